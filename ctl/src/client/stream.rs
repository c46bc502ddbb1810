// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The replies of a call with `more`.

use std::marker::PhantomData;

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
