//! Which process holds the other end of a connection.

use std::net::SocketAddr;

/// Whether the process has this end of the TCP connection to there. One port may be the near end of several connections,
/// of several processes; some of them are over, and wait for stray packets.
#[cfg(target_os = "linux")]
pub(super) fn is_held_by(pid: u32, near: SocketAddr, far: SocketAddr) -> bool {
    let Some(inode) = inode_of(near, far) else { return false };
    let socket = format!("socket:[{inode}]");
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
}

/// The kernel's number of the socket at the near end of an IPv4 connection.
#[cfg(target_os = "linux")]
fn inode_of(near: SocketAddr, far: SocketAddr) -> Option<String> {
    let (near, far) = (written(near)?, written(far)?);
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let mut rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.get(1..3) == Some(&[near.as_str(), far.as_str()]))?;
    row.get(9).map(|inode| (*inode).to_owned())
}

/// An address as the kernel's table has it.
#[cfg(target_os = "linux")]
fn written(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}

/// Whether the process has this end of a TCP connection.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_held_by(pid: u32, near: SocketAddr, _far: SocketAddr) -> bool {
    let (pid, address) = (pid.to_string(), format!("TCP@{near}"));
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
        let (near, far) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());

        assert!(is_held_by(here, near, far) && !is_held_by(other, near, far));
        drop(stream);
        assert!(!is_held_by(here, near, far));
    }

    /// A port that was used a moment ago waits for stray packets, and may be another connection's already.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_old_connection_of_the_same_port_is_not_taken_for_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _entered = runtime.enter();
        let from = |port: u16, to: SocketAddr| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
            runtime.block_on(socket.connect(to)).unwrap()
        };
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [old, new] = [0, 1].map(|at| listeners[at].local_addr().unwrap());
        let first = from(0, old);
        let near = first.local_addr().unwrap();
        drop(first);

        let second = from(near.port(), new);

        assert!(is_held_by(std::process::id(), second.local_addr().unwrap(), new));
        assert!(!is_held_by(std::process::id(), near, old));
    }
}
