//! Which process holds the other end of a connection.

use std::net::SocketAddr;

/// Whether `address` is the process's end of a TCP connection.
#[cfg(target_os = "linux")]
pub(super) fn is_held_by(pid: u32, address: SocketAddr) -> bool {
    let Some(inode) = inode_of(address) else { return false };
    let socket = format!("socket:[{inode}]");
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
}

/// The kernel's number of the socket bound to an IPv4 address.
#[cfg(target_os = "linux")]
fn inode_of(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    let written = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let mut rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.get(1) == Some(&written.as_str()))?;
    row.get(9).map(|inode| (*inode).to_owned())
}

/// Whether `address` is the process's end of a TCP connection.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_held_by(pid: u32, address: SocketAddr) -> bool {
    let (pid, address) = (pid.to_string(), format!("TCP@{address}"));
    let listed = std::process::Command::new("lsof").args(["-a", "-n", "-P", "-t", "-p", &pid, "-i", &address]).output();
    listed.is_ok_and(|listed| !listed.stdout.is_empty())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_found_at_the_process_that_has_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, other) = (std::process::id(), std::os::unix::process::parent_id());
        let address = stream.local_addr().unwrap();

        assert!(is_held_by(here, address) && !is_held_by(other, address));
        drop(stream);
        assert!(!is_held_by(here, address));
    }
}
