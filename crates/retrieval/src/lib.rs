//! Candidate generators and their indexes.
