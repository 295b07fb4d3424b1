//! All state of a model as bytes, and back.

use std::io;

use super::Model;
use crate::embedding::Embeddings;
use crate::snapshot::{ChunkId, Decoder, Encoder, Manifest, RestoreError, StateHash};

impl<E: Embeddings> Model<E> {
    /// Hands every chunk to `put` and answers the manifest that names them. A sink that knows a name need not store it again.
    pub fn snapshot(
        &mut self,
        mut put: impl FnMut(&ChunkId, &[u8]) -> io::Result<()>,
    ) -> io::Result<Manifest> {
        let bytes = self.dense_bytes();
        let dense = StateHash::of(&bytes);
        put(&dense, &bytes)?;
        let mut rows = Vec::new();
        self.table.write(&mut |bytes| {
            let chunk = StateHash::of(bytes);
            rows.push(chunk);
            put(&chunk, bytes)
        })?;
        Ok(Manifest {
            schema: self.schema.clone(),
            config: self.config.clone(),
            seed: self.seed,
            examples: self.examples,
            dense,
            rows,
        })
    }

    /// The model of a snapshot; it goes on to the same bytes as the one that wrote it.
    pub fn restore_with_table(
        manifest: &Manifest,
        mut get: impl FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let (schema, config) = (manifest.schema.clone(), manifest.config.clone());
        schema.check()?;
        config.check()?;
        let seed = manifest.seed;
        let table = E::read_back(&schema.slots, &config.embedding, seed, &manifest.rows, &mut get)?;
        let mut model = Self::assemble(schema, config, seed, table)?;
        let bytes = manifest.dense.fetch(&mut get)?;
        model.read_dense(&mut Decoder::new(&bytes))?;
        Ok(model)
    }

    /// A digest of all state; equal for models that went through the same calls.
    pub fn state_hash(&mut self) -> StateHash {
        let mut hash = StateHash::begin();
        hash.update(&self.dense_bytes());
        hash.update(&self.table.digest().to_le_bytes());
        hash.end()
    }

    fn dense_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u64(self.examples).u64(self.micro_batches);
        out.u64(self.dense_steps).u64(self.versions);
        out.f32s(&self.weights).f32s(&self.average);
        out.f32s(&self.moments[0]).f32s(&self.moments[1]);
        self.inputs.write(&mut out);
        self.wide.write(&mut out);
        self.heads.write(&mut out);
        out.u32(self.queued as u32);
        for (values, width) in self.queue_widths().into_iter().enumerate() {
            let values = match values {
                0 => &self.queue.x,
                1 => &self.queue.y1,
                2 => &self.queue.y2,
                3 => &self.queue.d1,
                _ => &self.queue.d2,
            };
            out.f32s(&values[..self.queued * width]);
        }
        out.end()
    }

    /// Widths of the queued lists: x, y1, y2, d1, d2.
    fn queue_widths(&self) -> [usize; 5] {
        let layout = &self.layout;
        [
            layout.inputs,
            layout.first,
            layout.hidden[1],
            layout.first,
            layout.hidden[1],
        ]
    }

    fn read_dense(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.examples = from.u64()?;
        self.micro_batches = from.u64()?;
        self.dense_steps = from.u64()?;
        self.versions = from.u64()?;
        from.fill(&mut self.weights)?;
        from.fill(&mut self.average)?;
        from.fill(&mut self.moments[0])?;
        from.fill(&mut self.moments[1])?;
        self.inputs.read_back(from)?;
        self.wide.read_back(from)?;
        self.heads.read_back(from)?;
        self.queued = from.u32()? as usize;
        if self.queued >= self.config.dense_batch {
            return Err(RestoreError::Format("queue"));
        }
        self.queue
            .reserve_gradients(&self.layout, self.config.dense_batch);
        let [x, y1, y2, d1, d2] = self.queue_widths().map(|width| width * self.queued);
        from.fill(&mut self.queue.x[..x])?;
        from.fill(&mut self.queue.y1[..y1])?;
        from.fill(&mut self.queue.y2[..y2])?;
        from.fill(&mut self.queue.d1[..d1])?;
        from.fill(&mut self.queue.d2[..d2])?;
        self.transposed.refresh(&self.layout, &self.weights);
        self.publish_restored();
        Ok(())
    }

    /// Readers see the restored weights; the count of versions stays.
    fn publish_restored(&mut self) {
        let versions = self.versions;
        self.publish();
        self.versions = versions;
    }
}

impl Model {
    /// [`Self::restore_with_table`] with the default table.
    pub fn restore(
        manifest: &Manifest,
        get: impl FnMut(&ChunkId) -> io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        Self::restore_with_table(manifest, get)
    }
}
