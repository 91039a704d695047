#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    inbox::run(shared::clock::Clock::system()).await
}
