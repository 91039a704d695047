//! One message of a queue, as its consumer gets it.

/// Records of one group come in the order of their sequences, and the next batch only once these are done.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: String,
    pub group: String,
    pub sequence: String,
    /// How often it has been handed out, this time included.
    pub receives: u32,
    pub body: String,
}
