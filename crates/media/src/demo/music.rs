//! The composer: four chords of soft pads, plucked or belled notes above them, an echo, and a slow turn of the stereo.

/// Semitones above the root of each note of a chord.
type Chord = [i32; 3];

/// Four chords that go round.
pub(super) const DREAM: [Chord; 4] = [[0, 7, 16], [-3, 4, 12], [5, 9, 16], [-5, 2, 11]];
pub(super) const TIDE: [Chord; 4] = [[0, 3, 7], [-4, 3, 8], [-2, 5, 10], [-5, 2, 7]];
pub(super) const GLASS: [Chord; 4] = [[0, 4, 11], [4, 7, 14], [-3, 7, 12], [5, 12, 16]];
pub(super) const NIGHT: [Chord; 4] = [[0, 7, 15], [-4, 8, 12], [3, 7, 14], [-2, 5, 14]];
pub(super) const SUNRISE: [Chord; 4] = [[0, 4, 7], [5, 9, 12], [-3, 4, 9], [7, 11, 14]];

/// What sings above the pads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Voice {
    /// Nothing: pads alone.
    Still,
    /// Short and soft, like a kalimba.
    Pluck,
    /// Long and bright, like a glass bell.
    Bell,
    /// A warm pulse an octave below.
    Pulse,
}

/// Everything that makes one clip's music its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tune {
    pub(super) root_hz: f64,
    pub(super) chords: [Chord; 4],
    pub(super) chord_s: f64,
    pub(super) voice: Voice,
}

/// Notes of a chord in the order they are plucked.
const ORDER: [usize; 8] = [0, 1, 2, 1, 2, 0, 1, 2];

impl Tune {
    pub(super) const fn new(root_hz: f64, chords: [Chord; 4], chord_s: f64, voice: Voice) -> Self {
        Self {
            root_hz,
            chords,
            chord_s,
            voice,
        }
    }

    /// From nothing to stereo sound of this length, faded in and out.
    pub(super) fn graph(&self, duration_s: u32) -> String {
        let round = self.chord_s * 4.0;
        let bars: Vec<_> = self.chords.iter().map(|chord| self.bar(chord)).collect();
        let formula = turns(&bars, &format!("mod(t,{round})"), self.chord_s);
        format!(
            "aevalsrc=exprs='{formula}':s=44100:d={duration_s},aecho=0.8:0.7:{}|{}:0.35|0.22,lowpass=f=4200,\
             aformat=channel_layouts=stereo,apulsator=hz=0.11:amount=0.4,volume=2.8,afade=d=0.6,afade=t=out:st={}:d=1.2",
            (self.chord_s * 187.0).round(),
            (self.chord_s * 291.0).round(),
            f64::from(duration_s) - 1.2,
        )
    }

    fn hz(&self, semitones: i32) -> f64 {
        self.root_hz * 2f64.powf(f64::from(semitones) / 12.0)
    }

    /// One chord: pads that swell and sink, and the voice.
    fn bar(&self, chord: &Chord) -> String {
        let length = self.chord_s;
        let swell = format!("min(1,mod(t,{length})*1.6)*min(1,({length}-mod(t,{length}))*2.2)");
        let pads: Vec<_> = chord
            .iter()
            .map(|note| {
                let hz = self.hz(*note);
                format!("sin({:.3}*t)+0.6*sin({:.3}*t)", tau(hz), tau(hz * 1.004))
            })
            .collect();
        format!("0.055*{swell}*({}){}", pads.join("+"), self.voice(chord))
    }

    fn voice(&self, chord: &Chord) -> String {
        let (beat, octave, gain, decay) = match self.voice {
            Voice::Still => return String::new(),
            Voice::Pluck => (self.chord_s / 8.0, 24, 0.16, 7.0),
            Voice::Bell => (self.chord_s / 4.0, 24, 0.10, 2.2),
            Voice::Pulse => (self.chord_s / 4.0, -12, 0.22, 3.0),
        };
        let count = (self.chord_s / beat).round() as usize;
        let notes: Vec<_> = (0..count)
            .map(|n| {
                let turn = tau(self.hz(chord[ORDER[n % ORDER.len()]] + octave));
                format!("(sin({turn:.3}*t)+0.25*sin({:.3}*t))", turn * 2.0)
            })
            .collect();
        let line = turns(&notes, &format!("mod(t,{})", self.chord_s), beat);
        // The attack of 8 ms keeps a note from clicking.
        format!("+{gain}*min(1,mod(t,{beat})*125)*exp(-{decay}*mod(t,{beat}))*{line}")
    }
}

fn tau(hz: f64) -> f64 {
    hz * std::f64::consts::TAU
}

/// The n-th expression during the n-th `step` of `clock`; only that one is evaluated.
fn turns(expressions: &[String], clock: &str, step: f64) -> String {
    let Some((last, others)) = expressions.split_last() else {
        return "0".to_owned();
    };
    others
        .iter()
        .enumerate()
        .rev()
        .fold(last.clone(), |rest, (n, expression)| {
            format!("if(lt({clock},{:.4}),{expression},{rest})", step * (n + 1) as f64)
        })
}
