//! GVT-g was not there to build: nothing of this type exists, so nothing of it runs.

use core::convert::Infallible;
use core::marker::PhantomData;

use crate::{Errno, Host, Root, Slices};

#[derive(Debug)]
pub(crate) struct Gvt<'w>(Infallible, PhantomData<&'w [u64]>);

impl<'w> Gvt<'w> {
    pub(crate) fn new(_words: &'w [u64], _host: Host) -> Option<Self> {
        None
    }

    pub(crate) fn shadow(&mut self, _root: Root) -> Result<(), Errno> {
        match self.0 {}
    }

    pub(crate) fn ppgtt(&self, _gma: u64) -> Option<u64> {
        match self.0 {}
    }

    pub(crate) fn ggtt(&self, _gma: u64) -> Option<u64> {
        match self.0 {}
    }

    pub(crate) fn shadow_roots(&self) -> [u64; 4] {
        match self.0 {}
    }

    pub(crate) fn shadow_words(&self) -> &[u64] {
        match self.0 {}
    }

    pub(crate) fn set_slices(&mut self, _slices: Slices) {
        match self.0 {}
    }

    pub(crate) fn g2h(&self, _guest: u64) -> Result<u64, Errno> {
        match self.0 {}
    }

    pub(crate) fn h2g(&self, _host: u64) -> Result<u64, Errno> {
        match self.0 {}
    }
}
