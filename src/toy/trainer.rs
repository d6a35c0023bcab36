//! One step of training per call; the caller owns the loop and the clock.

use super::adam::Adam;
use super::batch::Batch;
use super::config::Config;
use super::error::ToyError;
use super::gradients::{Losses, Problem, Workspace};
use super::model::Params;
use serde::{Deserialize, Serialize};

/// A toy in training. Equal configurations give equal bits after equal numbers of steps, natively and in WebAssembly.
///
/// ```
/// use omega_toy::{Config, Trainer};
/// let mut trainer = Trainer::new(Config { steps: 20, ..Config::default() })?;
/// while !trainer.is_done() {
///     trainer.step();
/// }
/// # Ok::<(), omega_toy::ToyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trainer {
    state: State,
    problem: Problem,
    work: Workspace,
    batch: Batch,
}

/// All that is needed to go on training exactly where it stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The run.
    pub config: Config,
    /// Steps done.
    pub step: usize,
    /// The step from which optimiser and schedule count: the last at which settings changed.
    #[serde(default)]
    pub since: usize,
    /// The parameters after them.
    pub params: Params,
    /// The optimiser's moments for features, bias, W_Q and W_K.
    adam: [Adam; 4],
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Number of the step, from 0.
    pub step: usize,
    /// Losses on its batch, before its update.
    pub losses: Losses,
    /// Its learning rate.
    pub lr: f64,
}

/// Batches from this step on are for measuring; the longest run ends before it.
pub const UNSEEN: usize = 1 << 24;

impl Trainer {
    /// A run at its start.
    ///
    /// # Errors
    /// [`ToyError::Setting`] if the configuration cannot be.
    pub fn new(config: Config) -> Result<Self, ToyError> {
        config.check()?;
        let params = Params::initial(&config);
        Self::start(config, params)
    }

    /// A run that starts from given parameters, with a fresh optimiser.
    ///
    /// # Errors
    /// [`ToyError::Setting`] or [`ToyError::Length`] if configuration or parameters do not fit.
    pub fn start(config: Config, params: Params) -> Result<Self, ToyError> {
        Self::at(config, params, 0)
    }

    /// A run that stands at `step` with these parameters and a fresh optimiser: to look at, not to train on.
    ///
    /// # Errors
    /// As [`Trainer::start`].
    pub fn at(config: Config, params: Params, step: usize) -> Result<Self, ToyError> {
        let adam = untrained(&params);
        Self::resume(State { config, step, since: 0, params, adam })
    }

    /// Goes on where [`Trainer::state`] was taken, to the same bits.
    ///
    /// # Errors
    /// [`ToyError::Setting`] or [`ToyError::Length`] if the parts of the state do not fit together.
    pub fn resume(state: State) -> Result<Self, ToyError> {
        state.config.check()?;
        state.params.check(&state.config)?;
        for (adam, part) in state.adam.iter().zip(state.params.parts()) {
            if adam.len() != part.len() {
                let what = "the optimiser's moments";
                return Err(ToyError::Length { what, expected: part.len(), found: adam.len() });
            }
        }
        let problem = Problem::new(&state.config);
        let work = Workspace::new(&state.config, &problem);
        let batch = Batch::empty(state.config.batch, state.config.n_keys);
        Ok(Self { problem, work, batch, state })
    }

    /// Goes on with other settings of the same sizes: from here on the same weights are trained for another objective, by a
    /// fresh optimiser, for as many steps as the new settings say.
    ///
    /// # Errors
    /// [`ToyError::Setting`] or [`ToyError::Length`] if that cannot be; then nothing has changed.
    pub fn go_on_with(&mut self, config: Config) -> Result<(), ToyError> {
        config.check()?;
        self.state.params.check(&config)?;
        self.problem = Problem::new(&config);
        self.work = Workspace::new(&config, &self.problem);
        let state = &mut self.state;
        state.adam = untrained(&state.params);
        (state.since, state.config) = (state.step, config);
        Ok(())
    }

    /// One step on the batch of its number.
    pub fn step(&mut self) -> StepReport {
        self.batch.draw(&self.state.config, self.state.step);
        self.update()
    }

    /// One step on a given batch.
    ///
    /// # Errors
    /// [`ToyError::Length`] if the batch has another number of keys or more features than the model.
    pub fn step_on(&mut self, batch: &Batch) -> Result<StepReport, ToyError> {
        batch.check(self.problem.n_features, self.problem.n_keys)?;
        self.batch.clone_from(batch);
        Ok(self.update())
    }

    /// Losses that the next step will report, without taking it.
    pub fn losses(&mut self) -> Losses {
        self.batch.draw(&self.state.config, self.state.step);
        let lambda = self.state.config.lambda_at(self.state.step);
        self.work.losses(&self.problem, &self.state.params, &self.batch, lambda)
    }

    /// Mean losses over `n` batches that no run reaches, with the λ of the next step.
    pub fn evaluate(&mut self, n: usize) -> Losses {
        let State { config, step, params, .. } = &self.state;
        let lambda = config.lambda_at(*step);
        let mut mean = Losses::default();
        for index in 0..n {
            self.batch.draw(config, UNSEEN + index);
            let one = self.work.losses(&self.problem, params, &self.batch, lambda);
            mean.recon += one.recon / n as f64;
            mean.attention += one.attention / n as f64;
            mean.kl += one.kl / n as f64;
            mean.total += one.total / n as f64;
        }
        mean
    }

    fn update(&mut self) -> StepReport {
        let State { config, step, since, params, adam } = &mut self.state;
        let (lr, lambda) = (config.lr_at(step.saturating_sub(*since)), config.lambda_at(*step));
        let losses = self.work.gradient(&self.problem, params, &self.batch, lambda);
        // Moments of an older, gentler loss would turn the head's arrival into a kick, and a kick leaves metastable states.
        if *step == config.head_from && *step > 0 {
            *adam = untrained(params);
        }
        let trains_head = self.problem.trains_head && lambda > 0.0;
        let trained =
            [self.problem.trains_features, self.problem.trains_features, trains_head, trains_head];
        let decay = [0.0, 0.0, config.weight_decay, config.weight_decay];
        let moved = params.parts_mut().into_iter().zip(self.work.grad.parts()).zip(adam);
        for (((params, grad), adam), (trained, decay)) in moved.zip(trained.into_iter().zip(decay))
        {
            if trained {
                adam.update(params, grad, lr, decay);
            }
        }
        let report = StepReport { step: *step, losses, lr };
        *step += 1;
        report
    }

    /// Whether the run has had all its steps; more may be taken.
    pub fn is_done(&self) -> bool {
        self.state.step >= self.state.since + self.state.config.steps
    }

    /// Steps done, parameters and optimiser.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The parameters now.
    pub fn params(&self) -> &Params {
        &self.state.params
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.state.config
    }

    /// Gradient of the last step, as trained with.
    pub fn last_gradient(&self) -> &Params {
        &self.work.grad
    }
}

/// An optimiser that has not moved yet, for each part of the parameters.
fn untrained(params: &Params) -> [Adam; 4] {
    params.parts().map(|part| Adam::new(part.len()))
}
