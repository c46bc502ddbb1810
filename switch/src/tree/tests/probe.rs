// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subsystem that writes down all that happens to it.

use crate::arena::Handle;
use crate::path::NamespacePath;
use crate::refusal::Refusal;
use crate::subsystem::{Key, Subsystem};
use crate::tree::{Namespace, Tree};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Init,
    PreExit,
    Exit,
    Batch,
    Free,
}

/// An instance: of which subsystem, in which namespace. Of two namespaces of one path the handles differ.
pub(super) type Whose = (&'static str, NamespacePath, Handle<Namespace>);

/// What happened, in order, and to which instance.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<(Event, Whose)>>>);

impl Log {
    fn add(&self, event: Event, whose: &Whose) {
        self.0.lock().unwrap().push((event, whose.clone()));
    }

    /// All since the last call.
    pub(super) fn take(&self) -> Vec<(Event, Whose)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The same as short texts, `Init a red`.
    pub(super) fn lines(&self) -> Vec<String> {
        self.take().iter().map(|(event, (subsystem, path, _))| format!("{event:?} {subsystem} {path}")).collect()
    }
}

/// See the module.
pub(super) struct Probe {
    pub(super) name: &'static str,
    pub(super) log: Log,
    /// `init` fails when this many have succeeded; counts down.
    pub(super) fuse: Arc<AtomicUsize>,
    /// Instances are read by somebody while this is held by somebody else.
    pub(super) reader: Arc<()>,
}

/// An instance, which writes down its end.
pub(super) struct Instance {
    log: Log,
    whose: Whose,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.log.add(Event::Free, &self.whose);
    }
}

impl Probe {
    pub(super) fn new(name: &'static str, log: &Log) -> Probe {
        Probe { name, log: log.clone(), fuse: Arc::new(AtomicUsize::new(usize::MAX)), reader: Arc::new(()) }
    }

    /// Makes `init` fail after so many more.
    pub(super) fn failing_after(self, inits: usize) -> Probe {
        self.fuse.store(inits, Ordering::Relaxed);
        self
    }
}

impl Subsystem for Probe {
    type Instance = Instance;

    fn name(&self) -> &'static str {
        self.name
    }

    fn init(&mut self, namespace: &Namespace) -> Result<Instance, Refusal> {
        let left = self.fuse.load(Ordering::Relaxed);
        self.fuse.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 0 {
            return Err(Refusal::limit(self.name, 0));
        }
        let whose = (self.name, namespace.path().clone(), namespace.handle());
        self.log.add(Event::Init, &whose);
        Ok(Instance { log: self.log.clone(), whose })
    }

    fn pre_exit(&mut self, namespace: &Namespace, instance: &mut Instance) {
        assert_eq!(namespace.handle(), instance.whose.2);
        self.log.add(Event::PreExit, &instance.whose);
    }

    fn waits_for(&self, _: &Instance) -> Option<String> {
        (Arc::strong_count(&self.reader) > 1).then(|| format!("a reader of {}", self.name))
    }

    fn exit(&mut self, _: &Namespace, instance: &mut Instance) {
        self.log.add(Event::Exit, &instance.whose);
    }

    fn exit_batch(&mut self, instances: &mut [&mut Instance]) {
        instances.iter().for_each(|instance| self.log.add(Event::Batch, &instance.whose));
    }
}

/// A tree with subsystems `a` and `b` and device `d`, the device registered between the two, and nothing logged yet.
pub(super) fn world(log: &Log) -> (Tree, Vec<Key<Instance>>) {
    let mut tree = Tree::new();
    let a = tree.register_subsystem(Probe::new("a", log)).unwrap();
    let d = tree.register_device(Probe::new("d", log)).unwrap();
    let b = tree.register_subsystem(Probe::new("b", log)).unwrap();
    log.take();
    (tree, vec![a, d, b])
}
