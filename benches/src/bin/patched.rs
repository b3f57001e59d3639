//! `micro` once more, after `monkey::patch_all`; and the case `echo_std`, which is `echo` with std's sockets.
//!
//! `cargo run --release -p greenroom-bench --no-default-features --features monkey --bin patched -- echo_std 100000`.

use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::ExitCode,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    greenroom::monkey::patch_all();
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [case, n] if case == "echo_std" => {
            let n = n.parse()?;
            // Twice, as `micro` does everything at least.
            round_trips(n)?;
            round_trips(n)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Ok(greenroom_bench::micro::run(args.into_iter())),
    }
}

fn round_trips(n: u64) -> io::Result<()> {
    greenroom::run(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut near = TcpStream::connect(listener.local_addr()?)?;
        let (mut far, _) = listener.accept()?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        greenroom::spawn(move || -> io::Result<()> {
            let mut room = [0; 1024];
            loop {
                match far.read(&mut room)? {
                    0 => return Ok(()),
                    got => far.write_all(&room[..got])?,
                }
            }
        });
        let word = [b'x'; 64];
        for _ in 0..n {
            near.write_all(&word)?;
            near.read_exact(&mut [0; 64])?;
        }
        Ok(())
    })
}
