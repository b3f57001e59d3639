//! The address of a socket in the kernel's form.

use std::ffi::OsStr;
use std::io;
use std::mem::{self, offset_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net as unix;
use std::ptr;

use libc::{c_int, socklen_t};

/// An address of any family: room for the longest, and how much of it is used.
pub(crate) struct Name {
    storage: libc::sockaddr_storage,
    length: socklen_t,
}

/// Where the path begins in the kernel's form of a Unix address.
const PATH: usize = offset_of!(libc::sockaddr_un, sun_path);

impl Name {
    /// Room for the kernel to write any address into.
    pub(super) fn room() -> Name {
        // SAFETY: S18: all zero is a valid sockaddr_storage: numbers and padding.
        Name { storage: unsafe { mem::zeroed() }, length: size_of::<libc::sockaddr_storage>() as socklen_t }
    }

    /// That of a socket which has no name.
    pub(crate) fn none() -> Name {
        Name { length: 0, ..Name::room() }
    }

    pub(super) fn of_inet(address: &SocketAddr) -> Name {
        match address {
            SocketAddr::V4(address) => {
                // SAFETY: S18: all zero is a valid sockaddr_in; the fields that matter are set below.
                let mut name: libc::sockaddr_in = unsafe { mem::zeroed() };
                name.sin_family = libc::AF_INET as libc::sa_family_t;
                name.sin_port = address.port().to_be();
                name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                Name::holding(name, size_of_val(&name))
            }
            SocketAddr::V6(address) => {
                // SAFETY: S18: all zero is a valid sockaddr_in6; the fields that matter are set below.
                let mut name: libc::sockaddr_in6 = unsafe { mem::zeroed() };
                name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                name.sin6_port = address.port().to_be();
                name.sin6_addr.s6_addr = address.ip().octets();
                name.sin6_flowinfo = address.flowinfo();
                name.sin6_scope_id = address.scope_id();
                Name::holding(name, size_of_val(&name))
            }
        }
    }

    /// A path ends with a NUL, an abstract name begins with one (man 7 unix).
    pub(crate) fn of_unix(address: &unix::SocketAddr) -> Name {
        // SAFETY: S18: all zero is a valid sockaddr_un; the fields that matter are set below.
        let mut name: libc::sockaddr_un = unsafe { mem::zeroed() };
        name.sun_family = libc::AF_UNIX as libc::sa_family_t;
        let (bytes, at, more) = match (address.as_pathname(), abstract_name(address)) {
            (Some(path), _) => (path.as_os_str().as_bytes(), 0, 1),
            (None, Some(bytes)) => (bytes, 1, 1),
            (None, None) => (&[][..], 0, 0),
        };
        // Std's address has room for no more than the kernel's, its NUL included.
        for (to, from) in name.sun_path[at..].iter_mut().zip(bytes) {
            *to = *from as libc::c_char;
        }
        Name::holding(name, PATH + bytes.len() + more)
    }

    fn holding<T: Copy>(name: T, length: usize) -> Name {
        let mut held = Name::room();
        assert!(length <= size_of::<T>() && size_of::<T>() <= size_of_val(&held.storage));
        // SAFETY: S18: the storage has the size, as asserted, and the alignment for every form of address.
        unsafe { ptr::from_mut(&mut held.storage).cast::<T>().write(name) };
        held.length = length as socklen_t;
        held
    }

    pub(super) fn to_inet(&self) -> io::Result<SocketAddr> {
        match self.family() {
            libc::AF_INET => {
                // SAFETY: S18: the family says that this is what the storage holds; it is aligned for all of them.
                let name = unsafe { &*ptr::from_ref(&self.storage).cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(name.sin_addr.s_addr.to_ne_bytes());
                Ok(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: S18: as above.
                let name = unsafe { &*ptr::from_ref(&self.storage).cast::<libc::sockaddr_in6>() };
                let (ip, port) = (Ipv6Addr::from(name.sin6_addr.s6_addr), u16::from_be(name.sin6_port));
                Ok(SocketAddrV6::new(ip, port, name.sin6_flowinfo, name.sin6_scope_id).into())
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "invalid argument")),
        }
    }

    /// A socket without a name, as its sender may be, has a length of nothing or of the family alone.
    pub(crate) fn to_unix(&self) -> io::Result<unix::SocketAddr> {
        // SAFETY: S18: all bytes are initialised; every pattern of them is a valid sockaddr_un.
        let name = unsafe { &*ptr::from_ref(&self.storage).cast::<libc::sockaddr_un>() };
        let length = (self.length as usize).saturating_sub(PATH).min(name.sun_path.len());
        let bytes: Vec<u8> = name.sun_path[..length].iter().map(|&byte| byte as u8).collect();
        if let [0, rest @ ..] = &*bytes {
            return from_abstract_name(rest);
        }
        // A path of 108 bytes has no NUL; std's form has room for 107.
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(length.min(name.sun_path.len() - 1));
        unix::SocketAddr::from_pathname(OsStr::from_bytes(&bytes[..end]))
    }

    pub(super) fn family(&self) -> c_int {
        c_int::from(self.storage.ss_family)
    }

    pub(super) fn pointer(&self) -> *const libc::sockaddr {
        ptr::from_ref(&self.storage).cast()
    }

    pub(super) fn length(&self) -> socklen_t {
        self.length
    }

    /// For a call that writes an address: where to, and where its length stands.
    pub(super) fn parts_mut(&mut self) -> (*mut libc::sockaddr, *mut socklen_t) {
        (ptr::from_mut(&mut self.storage).cast(), &mut self.length)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(address: &unix::SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn from_abstract_name(name: &[u8]) -> io::Result<unix::SocketAddr> {
    unix::SocketAddr::from_abstract_name(name)
}

/// Only Linux has such names.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_address: &unix::SocketAddr) -> Option<&[u8]> {
    None
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn from_abstract_name(_name: &[u8]) -> io::Result<unix::SocketAddr> {
    unix::SocketAddr::from_pathname("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_there_and_back() {
        for text in ["127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[fe80::1%7]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Name::of_inet(&address).to_inet().unwrap(), address);
        }
        for path in ["", "a", "/tmp/a b", &"x".repeat(107)] {
            let address = unix::SocketAddr::from_pathname(path).unwrap();
            let back = Name::of_unix(&address).to_unix().unwrap();
            assert_eq!(back.as_pathname(), address.as_pathname());
            assert_eq!(back.is_unnamed(), path.is_empty());
        }
        #[cfg(target_os = "linux")]
        for name in [&b""[..], b"a", b"a\0b\0", &[7; 107]] {
            let address = unix::SocketAddr::from_abstract_name(name).unwrap();
            assert_eq!(Name::of_unix(&address).to_unix().unwrap().as_abstract_name(), Some(name));
        }
    }
}
