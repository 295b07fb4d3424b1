//! Every twin against its reference.

use proptest::prelude::*;

use super::*;
use crate::rng;

fn values(seed: u64, count: usize) -> Vec<f32> {
    (0..count as u64).map(|i| rng::symmetric(seed, 1, i)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_have_the_bits_of_the_reference(
        m in 0_usize..20, n in 1_usize..9, k in 0_usize..40, turned: bool, add: bool, seed: u64,
    ) {
        let n = n * COLUMNS;
        let (a, b, c) = (values(seed, m * k), values(seed ^ 1, k * n), values(seed ^ 2, m * n));
        let (a_row, a_column) = if turned { (1, m) } else { (k, 1) };
        let mut results = Vec::new();
        for isa in Isa::available() {
            let mut out = c.clone();
            let operands = Gemm { m, n, k, a: &a, a_row, a_column, b: &b, b_row: n, c: &mut out, c_row: n, add };
            gemm(isa, operands);
            results.push(out.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        let mut plain = if add { c } else { vec![0.0; m * n] };
        for i in 0..m {
            for j in 0..n {
                for p in 0..k {
                    plain[i * n + j] = a[i * a_row + p * a_column].mul_add(b[p * n + j], plain[i * n + j]);
                }
            }
        }
        prop_assert_eq!(&results[0], &plain.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    }

    #[test]
    fn elementwise_twins_have_the_bits_of_the_reference(count in 0_usize..100, seed: u64) {
        let g = values(seed, count);
        let start = [values(seed ^ 1, count), values(seed ^ 2, count)];
        let positive: Vec<f32> = values(seed ^ 3, count).iter().map(|x| x.abs()).collect();
        let step = AdamStep { rate: 1e-2, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decay: 1e-3, scale: 0.5 };
        let mut results: Vec<Vec<u32>> = Vec::new();
        for isa in Isa::available() {
            let ([mut w, mut z], mut n) = (start.clone(), positive.clone());
            let mut average = g.clone();
            adam(isa, step, &g, &mut w, &mut z, &mut n);
            adam_averaged(isa, step, 0.1, &g, &mut w, [&mut z, &mut n], &mut average);
            ftrl(isa, [5.0, 50.0, 0.1, 1.0], &g, &mut w, &mut z, &mut n);
            let (mut p, mut loss) = (vec![0.0; count], vec![0.0; count]);
            judge(isa, &w, &mut p, &mut loss);
            sigmoids(isa, &mut average);
            exps(isa, 0.5, &mut n);
            let mut inputs = vec![9.0; count];
            standardise(isa, &g, (&start[0], &start[1], 0.1), &mut inputs);
            relu(isa, &mut w);
            results.push([w, z, n, p, loss, average, inputs].concat().iter().map(|x| x.to_bits()).collect());
        }
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn int8_products_are_exact(count in 0_usize..300, seed: u64) {
        let bytes = |salt: u64| -> Vec<i8> { (0..count as u64).map(|i| rng::bits(seed, salt, i) as i8).collect() };
        let (x, y) = (bytes(1), bytes(2));
        let exact: i64 = x.iter().zip(&y).map(|(x, y)| i64::from(*x) * i64::from(*y)).sum();
        for isa in Isa::available() {
            prop_assert_eq!(i64::from(dot_i8(isa, &x, &y)), exact);
        }
    }

    #[test]
    fn the_exponential_is_close(x in -87.0_f32..88.0) {
        let exact = f64::from(x).exp();
        let error = (f64::from(exp(x)) - exact).abs() / exact;
        prop_assert!(error < 3e-7, "e^{} is off by {}", x, error);
    }

    #[test]
    fn the_logistic_function_and_its_loss_are_close(x in -40.0_f32..40.0) {
        let (p, loss) = (1.0 / (1.0 + f64::from(-x).exp()), f64::from(x).exp().ln_1p());
        let error = (f64::from(sigmoid(x)) - p).abs() / p;
        prop_assert!(error < 1e-6, "sigmoid({}) is off by {}", x, error);
        let error = (f64::from(log1p_exp(x)) - loss).abs() / loss;
        prop_assert!(error < 1e-6, "ln(1 + e^{}) is off by {}", x, error);
    }
}

#[test]
#[should_panic(expected = "assertion")]
fn a_short_operand_is_refused() {
    let mut c = [0.0; 16];
    let operands = Gemm {
        m: 1,
        n: 16,
        k: 2,
        a: &[1.0, 1.0],
        a_row: 2,
        a_column: 1,
        b: &[0.0; 31],
        b_row: 16,
        c: &mut c,
        c_row: 16,
        add: false,
    };
    gemm(Isa::best(), operands);
}
