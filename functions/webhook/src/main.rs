#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Stopped> {
    webhook::run(shared::clock::Clock::system()).await
}
