//! The online learner: examples in, parameters out. No feed answer needs it.
