// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How many peers are connected, and who has to go when there are too many: the one that has been a stranger for longest. So whoever
//! opens connections and says nothing keeps nobody out who has a certificate.

use crate::limits::CONNECTIONS_MAX;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All that are connected, those first that came first.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    all: Vec<(u64, Sitter)>,
}

#[derive(Debug)]
struct Sitter {
    socket: TcpStream,
    known: bool,
}

/// One of them, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: u64,
}

impl Seats {
    /// A seat for who comes by that socket. `None`: all are taken, by peers that are known.
    pub(crate) fn take(self: &Arc<Seats>, socket: TcpStream) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.all.len() >= CONNECTIONS_MAX {
            let stranger = taken.all.iter().position(|(_, sitter)| !sitter.known)?;
            let (_, sitter) = taken.all.remove(stranger);
            // An error means that he has gone already.
            let _ = sitter.socket.shutdown(Shutdown::Both);
        }
        let number = taken.next;
        taken.next += 1;
        taken.all.push((number, Sitter { socket, known: false }));
        Some(Seat { seats: Arc::clone(self), number })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Whoever sits here has said who he is, and keeps the seat.
    pub(crate) fn keep(&self) {
        let mut taken = self.seats.lock();
        if let Some((_, sitter)) = taken.all.iter_mut().find(|(number, _)| *number == self.number) {
            sitter.known = true;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().all.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    #[test]
    fn test_strangers_make_room_and_peers_do_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let seats = Arc::new(Seats::default());
        let mut clients = Vec::new();
        let mut come = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            clients.push(client);
            seats.take(listener.accept().unwrap().0)
        };
        let mut sitting: Vec<Seat> = (0..CONNECTIONS_MAX).map(|_| come().unwrap()).collect();
        sitting[0].keep();
        sitting.push(come().unwrap());
        // The second had to go, since the first is known.
        assert_eq!(clients[1].read(&mut [0]).unwrap(), 0);
        sitting.iter().for_each(Seat::keep);
        let come = || seats.take(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        assert!(come().is_none());
        drop(sitting.pop());
        assert!(come().is_some());
    }
}
