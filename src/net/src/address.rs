//! Which addresses a user's URL may lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// What a guarded client lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Let loopback addresses through, on any port: for the demo, the sandbox and tests only.
    pub allow_loopback: bool,
    /// Ports let through elsewhere.
    pub ports: Vec<u16>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { allow_loopback: false, ports: vec![80, 443] }
    }
}

impl Policy {
    /// Checks what can be seen without resolving the name.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for another scheme, for a user in the address.
    pub(crate) fn check_url(url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return refuse(format!("the scheme {scheme} is not allowed, use http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("an address with a user name is not allowed".to_owned());
        }
        Ok(())
    }

    /// Checks one resolved address.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] when it is not public, or the port is not one of ours.
    pub(crate) fn check_address(&self, ip: IpAddr, port: u16) -> Result<()> {
        let ip = ip.to_canonical();
        if self.allow_loopback && ip.is_loopback() {
            return Ok(());
        }
        if !is_public(ip) {
            return refuse(format!("{ip} is not a public address"));
        }
        if !self.ports.contains(&port) {
            return refuse(format!("port {port} is not allowed"));
        }
        Ok(())
    }
}

fn refuse(message: String) -> Result<()> {
    Err(Error::unsent(ErrorKind::Forbidden, message))
}

/// Whether an address is on the public internet: none of the special ranges of the IANA registries.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    // Network, prefix length.
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 31, 196, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    let bits = ip.to_bits();
    SPECIAL.iter().all(|(network, length)| {
        let mask = u32::MAX << (32 - length);
        bits & mask != u32::from_be_bytes(*network)
    })
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    // NAT64 hides an IPv4 address in the last 32 bits.
    if segments.starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]) {
        let [.., a, b, c, d] = ip.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let [first, second, ..] = segments;
    let global = first & 0xe000 == 0x2000;
    let protocol = first == 0x2001 && second < 0x0200; // Teredo and its like.
    let documentation =
        (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    let six_to_four = first == 0x2002;
    global && !protocol && !documentation && !six_to_four
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_ranges_are_not_public() {
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for good in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "203.113.131.1",
            "223.255.255.254",
            "2400:cb00::1",
            "2606:4700::1111",
            "2a03:2880::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }
}
