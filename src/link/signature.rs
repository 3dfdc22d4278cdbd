//! The runtime's functions in the IR against the table of its interface. Pure.

use std::fmt;

use super::module::{Module, Site};
use super::types::Shape;
use crate::runtime_build::Signature;

/// A string passed by value, as IR has it and as C compilers pass it on aarch64.
const PAIR: &str = "[2 x i64]";

/// Further types that a function may have: `panic` of modules that know no length.
const ALSO: [(&str, &[&str]); 1] = [("panic", &["ptr"])];

/// A function that is declared or called with other types than it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The file, with the line where it can be told.
    pub at: String,
    /// The function.
    pub name: String,
    /// Where.
    pub site: Site,
    /// The runtime's own declaration.
    pub expected: &'static str,
    /// What the module has.
    pub got: Shape,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, name, site, expected, got } = self;
        let how = match site {
            Site::Declared => "is declared",
            Site::Called => "is called",
        };
        write!(f, "{at}: @{name} {how} as `{got}`: expected `{expected}`")
    }
}

/// What does not fit. A module that defines a function of this name itself means its own.
#[must_use]
pub fn mismatches(
    module: &Module,
    table: &[Signature],
    place: &dyn Fn(&str, Site) -> String,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for used in &module.uses {
        let Some(signature) = table.iter().find(|row| row.name == used.name) else { continue };
        if module.defined.contains(&used.name) || fits(signature, &used.shape) {
            continue;
        }
        found.push(Mismatch {
            at: place(&used.name, used.site),
            name: used.name.clone(),
            site: used.site,
            expected: signature.text,
            got: used.shape.clone(),
        });
    }
    found
}

fn fits(signature: &Signature, shape: &Shape) -> bool {
    let also = ALSO.iter().find(|(name, _)| *name == signature.name);
    shape.variadic == signature.variadic
        && same(signature.result, &shape.result)
        && (takes(&signature.parameters, &shape.parameters)
            || also.is_some_and(|(_, parameters)| takes(parameters, &shape.parameters)))
}

fn same(expected: &str, got: &str) -> bool {
    expected == got || expected == "{ ptr, i64 }" && got == PAIR
}

/// Whether parameters are those expected. A structure may come in its parts: C compilers
/// pass it so in registers.
fn takes(expected: &[&str], got: &[String]) -> bool {
    let mut got = got.iter().map(String::as_str);
    for wanted in expected {
        let Some(next) = got.next() else { return false };
        if same(wanted, next) {
            continue;
        }
        let inside = wanted.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }"));
        let Some(inside) = inside else { return false };
        let mut parts = inside.split(", ");
        if parts.next() != Some(next) || parts.any(|part| got.next() != Some(part)) {
            return false;
        }
    }
    got.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime_build::signatures;

    fn check(text: &str) -> Vec<String> {
        let table = signatures();
        let module = Module::read(text, &|name| table.iter().any(|row| row.name == name));
        let place = |name: &str, _| format!("a.ll:{}", name.len());
        mismatches(&module, &table, &place).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_runtimes_own_declarations_fit() {
        assert_eq!(check(include_str!("../../runtime/ir/reml_runtime.ll")), [""; 0]);
    }

    #[test]
    fn what_c_compilers_make_of_strings_and_booleans_fits() {
        assert_eq!(
            check(
                "declare ptr @reml_box_string(ptr, i64)\n\
                 declare ptr @reml_str_data([2 x i64])\n\
                 declare [2 x i64] @reml_unbox_string(ptr noundef)\n\
                 declare i8 @reml_unbox_bool(ptr)\n\
                 declare void @panic(ptr noundef) #1\n"
            ),
            [""; 0]
        );
    }

    #[test]
    fn every_other_type_is_named() {
        let found = check(
            "declare ptr @mem_alloc(i32)\n\
             declare void @inc_ref(...)\n\
             declare i32 @print_i64(i64)\n\
             declare ptr @reml_array_from(i64, ptr, ptr)\n\
             declare ptr @reml_box_string(i64, ptr)\n\
             declare void @panic(i64)\n\
             declare void @someone_elses(i8)\n\
             define void @f() {\n  call void @dec_ref(i64 0)\n}\n",
        );
        assert_eq!(found.len(), 7, "{found:#?}");
        assert_eq!(
            found[0],
            "a.ll:9: @mem_alloc is declared as `ptr (i32)`: expected `ptr @mem_alloc(i64)`"
        );
        assert!(found[6].contains("@dec_ref is called as `void (i64)`"), "{found:#?}");
        // A module's own function of the name is its own affair.
        assert_eq!(check("define void @print_i64(i8 %0) {\n}\ndeclare void @x()\n"), [""; 0]);
    }
}
