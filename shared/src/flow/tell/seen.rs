//! What showing a batch of changes takes besides the changes themselves, read at once.

use std::collections::HashSet;

use super::{Subject, Tell};
use crate::{
    Result,
    aws::messages::{Changed, Found, Whole},
};

/// Conversations that messages are said in or that turned out to be others, and the last message of each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) whole: Whole,
    pub(super) messages: Found,
}

impl Tell {
    pub(super) async fn see(&self, subjects: impl Iterator<Item = &Subject>) -> Result<Seen> {
        let (mut conversations, mut winners, mut last) = (HashSet::new(), HashSet::new(), HashSet::new());
        for subject in subjects {
            match subject {
                Subject::OfMessages(Changed::Message { tenant, is, .. }) => {
                    conversations.insert((tenant.clone(), is.id.conversation));
                }
                Subject::OfMessages(Changed::Conversation { tenant, id, is: Some(is), .. }) => {
                    conversations.insert((tenant.clone(), *id));
                    winners.extend(is.merged_into.map(|winner| (tenant.clone(), winner)));
                    last.extend(is.last.map(|last| (tenant.clone(), last)));
                }
                _ => {}
            }
        }
        let mut seen = Seen::default();
        conversations.extend(winners.iter().cloned());
        if !conversations.is_empty() {
            seen.whole = self.messages.wholes(conversations).await?;
        }
        for (tenant, winner) in winners {
            let whole = seen.whole.of(&tenant, winner).ok().flatten();
            last.extend(whole.and_then(|(_, head)| head.last).map(|last| (tenant, last)));
        }
        if !last.is_empty() {
            seen.messages = self.messages.messages(last).await?;
        }
        Ok(seen)
    }
}
