//! Names to addresses, once per connection, so that the checked address is the one connected to.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use loa_model::seams::BoxFuture;
use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// Turns a name into addresses.
pub(crate) trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub(crate) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Where a URL leads: its host as it was written, and the addresses to connect to.
pub(crate) struct Target {
    /// Name to pin; absent when the host is an address already.
    pub(crate) name: Option<String>,
    /// Addresses, at least one.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// # Errors
/// [`ErrorKind::Dns`] when the name leads nowhere.
pub(crate) async fn target(resolver: &dyn Resolve, url: &Url) -> Result<Target> {
    let port = url.port_or_known_default().unwrap_or(80);
    let fixed = |ip: IpAddr| Target { name: None, addresses: vec![SocketAddr::new(ip, port)] };
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(fixed(ip.into())),
        Some(Host::Ipv6(ip)) => Ok(fixed(ip.into())),
        Some(Host::Domain(name)) => {
            let found = resolver.resolve(name).await.map_err(|error| {
                Error::unsent(ErrorKind::Dns, format!("cannot resolve {name}: {error}"))
            })?;
            if found.is_empty() {
                return Err(Error::unsent(ErrorKind::Dns, format!("{name} has no address")));
            }
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
            Ok(Target { name: Some(name.to_owned()), addresses })
        }
        None => Err(Error::unsent(ErrorKind::Request, "the address has no host")),
    }
}
