#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    sweeper::run(shared::clock::Clock::system()).await
}
