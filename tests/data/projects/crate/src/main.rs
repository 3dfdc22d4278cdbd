//! Calls C and C++, and unwinds a panic of its own.

unsafe extern "C" {
    safe fn answer(factor: i32) -> i32;
    safe fn length_of_message() -> i32;
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    println!("answer: {}, length: {}, caught: {caught}", answer(2), length_of_message());
}
