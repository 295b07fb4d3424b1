//! Which instruction sets this processor has. A value of [`Isa`] above the scalar one is a proof that it was found.

use std::sync::OnceLock;

/// An instruction set that is present on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isa(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Scalar,
    Avx2,
    Avx512,
}

impl Isa {
    /// The reference: present everywhere.
    pub const SCALAR: Isa = Isa(Level::Scalar);

    /// The widest set of this machine, looked up once.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::SCALAR))
    }

    /// All sets of this machine, the reference first.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::SCALAR];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                found.push(Isa(Level::Avx2));
            }
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                found.push(Isa(Level::Avx512));
            }
        }
        found
    }

    /// For a `match` over the twins.
    pub(crate) fn level(self) -> Level {
        self.0
    }
}

/// Writes one body once and compiles it for every set: the compiler vectorises each copy with its own width. The bodies use only
/// operations whose result is exact by IEEE 754 (and explicit `mul_add`), so all copies give the same bits.
macro_rules! dispatch {
    ($(#[$meta:meta])* pub fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        pub fn $name(isa: $crate::kernels::Isa, $($arg: $type),*) {
            #[inline(always)]
            fn body($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::kernels::isa::Level;
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $type),*) {
                    body($($arg),*)
                }
                match isa.level() {
                    Level::Scalar => body($($arg),*),
                    // SAFETY: a value of `Isa` with this level exists only where these features were detected.
                    Level::Avx2 => unsafe { avx2($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx512 => unsafe { avx512($($arg),*) },
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = isa;
                body($($arg),*)
            }
        }
    };
}
pub(super) use dispatch;
