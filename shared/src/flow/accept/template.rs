//! The template that a message names, as far as it is known here: Meta decides where it is not.

use std::collections::HashSet;

use super::Accept;
use crate::{
    Error, Result,
    aws::messages::{Seen, Wanted},
    domain::{
        account::Account,
        conversation::Line,
        outgoing::Outgoing,
        template::{Holder, Key, Sent, Template},
    },
    flow::templates::holder,
};

impl Accept {
    /// Where the template of a message is likely to be: numbers stay on their WABA.
    pub(super) fn guess(&self, line: &Line, message: &Outgoing) -> Option<(Holder, Key)> {
        let waba = self.known.waba(&line.number)?;
        Some((Holder { tenant: line.tenant.clone(), waba }, message.template()?.0))
    }

    /// Refuses what cannot fit its template.
    pub(super) async fn must_fit(&self, account: &Account, message: &Outgoing, seen: &mut Seen) -> Result<()> {
        let Some((_, template)) = message.template() else { return Ok(()) };
        let Some(known) = self.template(account, message, seen).await? else { return Ok(()) };
        let misfits = known.misfits(Sent { template, pointer: "/template" });
        if misfits.is_empty() { Ok(()) } else { Err(Error::Unprocessable(misfits)) }
    }

    /// What is kept of a message's template, unless it was seen already.
    pub(super) async fn template(
        &self,
        account: &Account,
        message: &Outgoing,
        seen: &mut Seen,
    ) -> Result<Option<Template>> {
        let Some((key, _)) = message.template() else { return Ok(None) };
        let place = (holder(account), key);
        self.known.remember_waba(account.number.clone(), account.waba.clone());
        if !seen.templates.contains_key(&place) {
            let wanted = Wanted { templates: HashSet::from([place.clone()]), ..Wanted::default() };
            self.messages.look(&self.accounts, &wanted, seen).await?;
        }
        Ok(seen.templates.remove(&place).flatten())
    }
}
