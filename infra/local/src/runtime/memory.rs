//! How much memory a process holds: what it allocated, not the pages of its (unstripped) executable.

/// In megabytes; `None` once the process is gone.
#[cfg(target_os = "linux")]
pub(super) async fn of(pid: u32) -> Option<u64> {
    let status = tokio::fs::read_to_string(format!("/proc/{pid}/status")).await.ok()?;
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = anonymous.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}

/// In megabytes; `None` once the process is gone.
#[cfg(not(target_os = "linux"))]
pub(super) async fn of(pid: u32) -> Option<u64> {
    let output = tokio::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output().await.ok()?;
    let kilobytes: u64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}
