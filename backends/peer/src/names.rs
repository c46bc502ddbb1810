// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who a certificate is for, and whether he is on the list.

use crate::limits::NAMES_MAX;
use crate::trouble::{Trouble, quoted};
use rustls::pki_types::CertificateDer;

/// The names of those who are let in, as they stand in certificates: DNS names, and URIs, which have a colon in them.
#[derive(Debug)]
pub(crate) struct List(pub(crate) Vec<String>);

impl List {
    /// The name on the list by which a certificate, which TLS has accepted, lets in.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn admit(&self, certificate: &CertificateDer<'_>) -> Result<String, Trouble> {
        let parsed = webpki::EndEntityCert::try_from(certificate);
        let parsed = parsed.map_err(|why| Trouble::Tls(format!("its certificate cannot be read: {why}")))?;
        let names: Vec<&str> = parsed.valid_dns_names().chain(parsed.valid_uri_names()).take(NAMES_MAX).collect();
        let listed = |name: &&&str| self.has(name);
        match names.iter().find(listed) {
            Some(name) => Ok(quoted(name)),
            None if names.is_empty() => Err(Trouble::NotListed("no name".to_owned())),
            None => Err(Trouble::NotListed(quoted(&names.join(", ")))),
        }
    }

    /// A name of a certificate stands for itself: one with an asterisk stands for no host.
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| if name.contains(':') { known == name } else { known.eq_ignore_ascii_case(name) })
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_name_is_on_the_list_as_a_whole_or_not_at_all() {
        let list = List(["host1.example", "spiffe://x/Host2"].map(str::to_owned).to_vec());
        for name in ["host1.example", "HOST1.example", "spiffe://x/Host2"] {
            assert!(list.has(name), "{name}");
        }
        for name in ["", "host1", "host1.example.org", "a.host1.example", "*.example", "spiffe://x/host2", "spiffe://x"]
        {
            assert!(!list.has(name), "{name}");
        }
    }
}
