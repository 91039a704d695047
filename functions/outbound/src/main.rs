#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    outbound::run(shared::clock::Clock::system()).await
}
