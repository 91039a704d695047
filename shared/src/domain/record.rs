//! One message of a queue: as it is sent, and as its consumer gets it.

/// Records of one group come in the order of their sequences, and the next batch only once these are done.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: String,
    /// By which this handing out of it is known to the queue.
    pub handle: String,
    pub group: String,
    pub sequence: String,
    /// How often it has been handed out, this time included.
    pub receives: u32,
    pub body: String,
}

/// One message for a queue. Those of one group stay in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub group: String,
    /// Within five minutes a queue takes one with the same for a repetition.
    pub deduplication: String,
    pub body: String,
}
