// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The replies of a call with `more`.

use std::marker::PhantomData;
use std::time::Duration;

use super::{Client, ClientError, typed};
use crate::proto::Method;

/// Iterator over the replies of one call. One that is dropped before its end closes the connection: the replies that
/// are still to come would otherwise be taken for those of the next call.
#[derive(Debug)]
pub struct Stream<'a, M> {
    client: &'a mut Client,
    done: bool,
    /// However long a reply takes, it is waited for.
    patient: bool,
    method: PhantomData<M>,
}

impl<'a, M: Method> Stream<'a, M> {
    pub(super) fn new(client: &'a mut Client, patient: bool) -> Stream<'a, M> {
        Stream { client, done: false, patient, method: PhantomData }
    }

    /// The next reply, if it comes within that time. Of a stream that has ended: `Closed`.
    ///
    /// # Errors
    /// As [`Client::receive`], or weftd's own.
    pub fn next_within(&mut self, time: Duration) -> Result<Option<M::Reply>, ClientError> {
        if self.done {
            return Err(ClientError::Closed);
        }
        let received = self.client.receive_within(time);
        self.done = !matches!(&received, Ok(reply) if reply.as_ref().is_none_or(|reply| reply.continues));
        received?.map(|reply| typed(M::NAME, reply)).transpose()
    }
}

impl<M: Method> Iterator for Stream<'_, M> {
    type Item = Result<M::Reply, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let reply = if self.patient { self.client.receive_at_last() } else { self.client.receive() };
        self.done = !matches!(&reply, Ok(reply) if reply.continues);
        Some(reply.and_then(|reply| typed(M::NAME, reply)))
    }
}

impl<M> Drop for Stream<'_, M> {
    fn drop(&mut self) {
        if !self.done {
            self.client.close();
        }
    }
}
