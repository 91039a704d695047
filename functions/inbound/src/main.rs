#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    inbound::run(shared::clock::Clock::system()).await
}
