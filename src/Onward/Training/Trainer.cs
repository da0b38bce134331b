using Onward.Communication;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Engine;
using Onward.Formats;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Trains a model on a data set: epochs of steps, each followed by an evaluation on the test set.</summary>
public sealed class Trainer
{
    private readonly Network _model;
    private readonly TrainingStep _step;
    private readonly ImageDataset _data;
    private readonly TrainingOptions _options;
    private readonly TimeProvider _clock;
    private readonly WorkerTeam _team;
    private readonly ParameterUpdate _update;
    private readonly ReadoutTraining? _readout;
    private readonly WeightAverage? _average;
    private readonly GradientComparison? _comparison;
    private readonly ProgressReports _progress;
    private readonly RankGrid _grid;
    private readonly StepReports _reports;
    private readonly SharedModel _shared;
    private readonly TrainingWatch _watch;

    // The run under way.
    private RunState? _resumed;
    private RunState _state;
    private Action<Checkpoint>? _keep;
    private string _images = "";
    private long _start; // the time at which the run would have begun without interruptions
    private long _kept; // the time of the last checkpoint
    private (int, int)? _keptAt;
    private bool _stops; // true if any process asks to stop

    /// <summary>Prepares a run; the model keeps its parameters.</summary>
    /// <param name="step">
    /// Computes the gradients of a batch. Processes that share it share the run, and must make the same calls. All of them have the whole
    /// model at the end of an epoch and in checkpoints.
    /// </param>
    /// <param name="data">Images to train and to test on.</param>
    /// <param name="options">The options of the training.</param>
    /// <param name="clock">Measures speeds and durations.</param>
    /// <param name="exact">
    /// Computes the gradients that <paramref name="step"/> estimates, of the same network in the same processes. Needed only for
    /// <see cref="TrainingOptions.ComparedSteps"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The options are out of range, the batch is larger than the training set, gradients are to be compared without
    /// <paramref name="exact"/>, or the processes cannot share the run.
    /// </exception>
    public Trainer(
        TrainingStep step, ImageDataset data, TrainingOptions options, TimeProvider clock, TrainingStep? exact = null)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        options.Validate();
        if (options.BatchSize > data.Training.Count)
        {
            throw new ArgumentException(
                $"Training: the batch size ({options.BatchSize}) is larger than the training set ({data.Training.Count} images).");
        }

        (_step, _model, _team, _grid) = (step, step.Network, step.Team, step.Grid);
        (_data, _options, _clock) = (data, options, clock);
        if (options.ComparedSteps > 0 && (exact?.Network != _model || exact.Grid != _grid))
        {
            throw new ArgumentException(
                "Training: gradients are to be compared with exact ones, but no step of the same network in the same processes "
                + "computes them.",
                nameof(exact));
        }

        if (options.BatchSize < _grid.World.Count)
        {
            throw new ArgumentException(
                $"Training: the batch size ({options.BatchSize}) is below the number of processes ({_grid.World.Count}).");
        }

        if (options.ComparedSteps > 0 && step.FrozenBlocks.Count > 0)
        {
            throw new ArgumentException("Training: gradients are compared where no block is frozen.");
        }

        if (options.ComparedSteps > 0 && _grid.Stages > 1)
        {
            throw new ArgumentException("Training: gradients are compared where each process has all blocks.");
        }

        _shared = new SharedModel(step);
        TrainedParameter[] trained = TrainedParameter.Of(_model, options, step.FrozenBlocks);
        TrainedParameter[] own = [.. trained.Where(part => _shared.Owns(part.Parameter))];
        _update = ParameterUpdate.Of(_model.Values.Layout, own, options, _team, _grid);
        _readout = _model.IsSelfSupervised
            ? new ReadoutTraining(_model, _team, options.BatchSize, options.WeightDecay, _update.Velocity, _grid.World)
            : null;
        _average = options.AverageDecay > 0
            ? new WeightAverage(_model, own.Select(part => part.Parameter), options.AverageDecay, _team)
            : null;
        StepsPerEpoch = Math.Min(data.Training.Count / options.BatchSize, options.MaximumSteps ?? int.MaxValue);
        _state = RunState.Start(_model.Blocks.Count);
        _comparison = options.ComparedSteps > 0 ? new GradientComparison(step, exact!, options, StepsPerEpoch) : null;
        _progress = new ProgressReports(step, options, StepsPerEpoch, clock);
        _reports = new StepReports(_grid, _model.Blocks.Count);
        _watch = new TrainingWatch(step, data.Training, options, StepsPerEpoch, _shared.Owns);
    }

    /// <summary>Receives advice when the run shows a sign that it does not learn, once for each kind of sign.</summary>
    public Action<TrainingAdvice>? Advised { get; set; }

    /// <summary>The advice of the run so far, at most one of each kind.</summary>
    public IReadOnlyList<TrainingAdvice> Advice => (_resumed ?? _state).Advice;

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>
    /// Loads a checkpoint, from which <see cref="Run"/> then continues. The result has the same bits as the run without the interruption,
    /// for any number of threads, and on any processor.
    /// </summary>
    /// <param name="checkpoint">The checkpoint, whose numbers are copied.</param>
    /// <exception cref="ModelFileException">The checkpoint has another model, other options, another rule or other images.</exception>
    public void Resume(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        checkpoint.RequireRun(_model, _options, _step.Description, _data, StepsPerEpoch);
        checkpoint.Model.Values.All.CopyTo(_model.Values.All);
        checkpoint.Velocity.All.CopyTo(_update.Velocity.All);
        checkpoint.Squares?.All.CopyTo(_update.Squares!.All);
        _average?.Start(checkpoint.Average!);
        checkpoint.Feedback?.All.CopyTo(ForwardGradient.FeedbackOf(_step)!.Matrices.All);
        _resumed = checkpoint.State.Copy();
        _update.Steps = ((long)_resumed.Epochs.Count * StepsPerEpoch) + _resumed.Step;
    }

    /// <summary>Trains for all epochs, or for the remaining epochs of a resumed run.</summary>
    /// <remarks>A callback may change the parameters of the model. Training then continues with the changed parameters.</remarks>
    /// <param name="progress">Receives the progress, up to ten times a second, on the calling thread.</param>
    /// <param name="epochEnded">Receives the metrics of each epoch.</param>
    /// <param name="checkpoint">
    /// Saves the run: before its first step, after every epoch, within epochs at <see cref="TrainingOptions.CheckpointInterval"/>, and when
    /// the run is cancelled. The checkpoint is valid only until the callback returns. If processes share a run, all or none must have one.
    /// </param>
    /// <param name="cancellation">Stops the run after the step in progress.</param>
    /// <exception cref="RankMismatchException">Processes that share the run have different images or parameters.</exception>
    /// <exception cref="TrainingDivergedException">
    /// A loss is no longer a finite number. Parameters of the model may not be finite either; the last checkpoint is intact.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public TrainingResult Run(
        Action<TrainingProgress>? progress = null,
        Action<EpochMetrics>? epochEnded = null,
        Action<Checkpoint>? checkpoint = null,
        CancellationToken cancellation = default)
    {
        if (_resumed is null)
        {
            _average?.Start(_model.Values);
        }

        (_state, _keep) = (_resumed ?? RunState.Start(_model.Blocks.Count), checkpoint);
        _images = checkpoint is null ? "" : ImageIdentity.Of(_data);
        _start = _clock.GetTimestamp() - (long)(_state.Elapsed.TotalSeconds * _clock.TimestampFrequency);
        _progress.Begin(progress, _start);
        _keptAt = _resumed?.Position;
        _kept = _clock.GetTimestamp();
        _resumed = null;
        _stops = false;
        _shared.RequireSameRun(() => ImageIdentity.Of(_data), _keep is not null);
        try
        {
            return RunEpochs(epochEnded, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested || _stops)
        {
            // The run stops between two steps, so the checkpoint is consistent.
            if (_average is { IsExchanged: true })
            {
                _average.Exchange();
            }

            Keep();
            throw;
        }
    }

    private TrainingResult RunEpochs(Action<EpochMetrics>? epochEnded, CancellationToken cancellation)
    {
        using BatchLoader? training = _grid.Stage == 0 ? TrainingLoader(_grid.Share, _options.Views(_model)) : null;
        using BatchLoader? asTheyAre = _readout is null ? null : TrainingLoader(new BatchShare(_grid.World.Rank, _grid.World.Count));
        using RunEvaluation evaluations = new(_model, _team, _data, _options, _grid.World);
        long warmup = (long)Math.Round(_options.WarmupEpochs * StepsPerEpoch);
        Schedule schedule = new(_options.Schedule, _options.PeakRate, warmup, (long)_options.Epochs * StepsPerEpoch);
        Evaluation? evaluation = null;
        Keep();
        while (_state.Epochs.Count < _options.Epochs && !(_state.EpochsWithoutProgress >= _options.Patience))
        {
            TrainEpoch(training, schedule, cancellation);
            _average?.Exchange();
            _shared.Assemble(_model.Values);
            _readout?.Run(
                asTheyAre!, _state.Epochs.Count, _options.ReadoutLearningRate, StepsPerEpoch, _state.ReadoutStep,
                () => ReadoutStepEnded(cancellation), Own(cancellation));
            _shared.RequireSame();
            evaluation = evaluations.OfTest(_progress.Tell, Own(cancellation));
            _shared.AssembleFeedback();
            EpochMetrics ended = new(
                _state.Epochs.Count + 1,
                schedule.Rate(((_state.Epochs.Count + 1L) * StepsPerEpoch) - 1),
                _progress.TrainedBlockLosses(_state), _state.MeanLoss, _state.ErrorPercent,
                evaluation.Loss, evaluation.Error,
                _state.ImagesPerSecond, _clock.GetElapsedTime(_start))
            {
                Gradients = GradientAgreement.Mean(_state.Gradients),
                NoiseLeft = ForwardGradient.FeedbackOf(_step)?.NoiseLeftByBlock() ?? [],
                Advice = [.. _state.Advice.Where(given => given.Epoch == _state.Epochs.Count + 1).Select(given => given.Message)],
            };
            _state.End(ended);
            epochEnded?.Invoke(ended);
            _average?.Exchange();
            Keep();
        }

        _average?.Exchange();
        _shared.Assemble(_model.Values);
        evaluation ??= evaluations.OfTest(_progress.Tell, Own(cancellation));
        Evaluation train = evaluations.OfTraining(_progress.Tell, Own(cancellation));
        double speed = (double)_state.Epochs.Count * StepsPerEpoch * _options.BatchSize / _state.Trained.TotalSeconds;
        IReadOnlyList<double> blockErrors = _step.Rule.TrainsHeads ? evaluation.BlockErrors : [];
        return new TrainingResult(
            _state.Epochs.Count, train.Error, evaluation.Error, blockErrors, speed, _clock.GetElapsedTime(_start))
        {
            TrainLoss = train.Loss,
            TestLoss = evaluation.Loss,
            BestEpoch = _state.BestEpoch,
            BestTestError = _state.Epochs[_state.BestEpoch - 1].TestError,
            ContrastiveError = _readout is null ? null : _state.Epochs[^1].TrainError,
        };
    }

    private void TrainEpoch(BatchLoader? loader, Schedule schedule, CancellationToken cancellation)
    {
        int epoch = _state.Epochs.Count, done = _state.Step;
        long begun = _progress.BeginEpoch();
        IEnumerable<ImageBatch> batches = loader?.Epoch(epoch, done, Own(cancellation))
            ?? Enumerable.Repeat(ImageBatch.Empty, StepsPerEpoch);
        foreach (ImageBatch batch in batches.Take(StepsPerEpoch - done))
        {
            long number = ((long)epoch * StepsPerEpoch) + done++;
            double rate = schedule.Rate(number);
            bool compares = _comparison?.IsDue(done) == true;
            _model.Values.EndLoans(); // a callback may have written parameters, but it has returned
            StepResult result = compares
                ? _step.Run(batch.Pixels, batch.Labels, checked((uint)number), _options.BatchSize)
                : _update.Begin(_step, batch.Pixels, batch.Labels, checked((uint)number), _options.BatchSize, rate);
            _reports.Begin(result, IsDue, IsShared && cancellation.IsCancellationRequested);
            bool keeps = TakeReports(_reports.Lag, schedule);
            TimeSpan compared = TimeSpan.Zero;
            if (compares)
            {
                long started = _clock.GetTimestamp();
                _state.Gradients.Add(_comparison!.Measure(batch, checked((uint)number)));
                compared = _clock.GetElapsedTime(started);
                _update.Apply(_model.Values, _step.Gradients, rate);
            }
            else
            {
                _update.Complete();
            }

            _average?.Add(number);
            if (keeps || _stops || done == StepsPerEpoch)
            {
                keeps |= TakeReports(0, schedule);
            }

            _watch.Advise(_state, Advised);
            long ended = _clock.GetTimestamp();
            _state.EpochTrained += _clock.GetElapsedTime(begun, ended) - compared;
            begun = ended;
            _progress.StepEnded(_state, ended);
            if (keeps)
            {
                Keep();
                begun = _clock.GetTimestamp();
            }

            StopIfAsked();
        }
    }

    // Takes all reports except some that may stay under way. Returns true if one of them asks for a checkpoint.
    private bool TakeReports(int left, Schedule schedule)
    {
        bool keeps = false;
        while (_reports.UnderWay > left)
        {
            StepReport report = _reports.Take();
            if (!report.IsFinite)
            {
                double rate = schedule.Rate(((long)_state.Epochs.Count * StepsPerEpoch) + _state.Step);
                throw new TrainingDivergedException(
                    $"Training diverged: the loss is not a finite number at step {_state.Step + 1} of epoch {_state.Epochs.Count + 1}, "
                    + $"where the learning rate is {rate:G3}. Take a lower learning rate or a longer warm-up.");
            }

            _state.Add(report, _options.BatchSize, _step.Views * _model.HeadRows);
            keeps |= report.KeepsRun;
            _stops |= report.Stops;
        }

        return keeps;
    }

    private void StopIfAsked()
    {
        if (_stops)
        {
            throw new OperationCanceledException();
        }
    }

    private void ReadoutStepEnded(CancellationToken cancellation)
    {
        _state.ReadoutStep++;
        (bool keeps, _stops) = _reports.Agree(IsDue, IsShared && cancellation.IsCancellationRequested);
        if (keeps)
        {
            Keep();
        }

        StopIfAsked();
    }

    // Only the clock of the process that writes checkpoints counts.
    private bool IsDue => _grid.World.Rank == 0 && _keep is not null && _clock.GetElapsedTime(_kept) >= _options.CheckpointInterval;

    // Saves the run, unless the last checkpoint has the same position. A checkpoint holds the parameters that training continues with, not
    // their average.
    private void Keep()
    {
        bool exchanged = _average is { IsExchanged: true };
        if (exchanged)
        {
            _average!.Exchange();
        }

        if (_keep is not null && _keptAt != _state.Position)
        {
            _state.Elapsed = _clock.GetElapsedTime(_start);
            _shared.Assemble(_model.Values);
            _shared.Assemble(_update.Velocity);
            if (_update.Squares is not null)
            {
                _shared.Assemble(_update.Squares);
            }

            if (_average is not null)
            {
                _shared.Assemble(_average.Values);
            }

            _shared.AssembleFeedback();
            ParameterVector? feedback = ForwardGradient.FeedbackOf(_step)?.Matrices;
            _keep(new Checkpoint(_model, _update.Velocity, _average?.Values, feedback, _options, _images, _state)
            {
                Squares = _update.Squares,
                Rule = _step.Description,
            });
            _keptAt = _state.Position;
            _kept = _clock.GetTimestamp();
        }

        if (exchanged)
        {
            _average!.Exchange();
            _shared.Assemble(_model.Values);
        }
    }

    private BatchLoader TrainingLoader(BatchShare share, IReadOnlyList<ViewRecipe>? views = null) =>
        new(_data.Training, _data.Mean, _data.StandardDeviation, _options.BatchSize, _options.Seed, views, _team.Count, share);

    private bool IsShared => _grid.World.Count > 1;

    // Processes stop together, so a process that shares a run ignores a cancellation in the middle of a step.
    private CancellationToken Own(CancellationToken cancellation) => IsShared ? CancellationToken.None : cancellation;
}
