using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Learning;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Trains a model on a data set: epochs of steps, each followed by an evaluation on the test set.</summary>
public sealed class Trainer
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    private readonly LocalMixer _model;
    private readonly LearningRule _rule;
    private readonly ImageDataset _data;
    private readonly TrainingOptions _options;
    private readonly TimeProvider _clock;
    private readonly int _threads;
    private readonly Evaluator _evaluator;
    private readonly ParameterUpdate _update;
    private readonly ReadoutTraining? _readout;
    private readonly WeightAverage? _average;
    private readonly LearningRule? _exact;
    private readonly int _stepsPerEpoch;

    // The run under way.
    private RunState? _resumed;
    private RunState _state;
    private Action<TrainingProgress>? _progress;
    private Action<Checkpoint>? _keep;
    private string _images = "";
    private long _start; // as if the run had never been stopped
    private long _kept; // when the last checkpoint was
    private (int, int)? _keptAt;

    /// <summary>Prepares a run; the model keeps its parameters.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="rule">Computes the gradients of a batch.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="data">Images to train and to test on.</param>
    /// <param name="options">How to train.</param>
    /// <param name="clock">Tells the time that speeds and durations are measured with.</param>
    /// <param name="exact">Computes what <paramref name="rule"/> estimates, on the same model; needed for <see cref="TrainingOptions.ComparedSteps"/> alone.</param>
    /// <exception cref="ArgumentException">The options are out of range, the batch is larger than the training set, or there is nothing to compare gradients with.</exception>
    public Trainer(LocalMixer model, LearningRule rule, WorkerTeam team, ImageDataset data, TrainingOptions options, TimeProvider clock, LearningRule? exact = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        options.Validate();
        if (options.BatchSize > data.Training.Count)
        {
            throw new ArgumentException($"Training: the batch size ({options.BatchSize}) is larger than the training set ({data.Training.Count} images).");
        }

        if (options.ComparedSteps > 0 && exact?.Model != model)
        {
            throw new ArgumentException("Training: gradients are to be compared with exact ones, but no rule on the same model computes them.", nameof(exact));
        }

        (_model, _rule, _data, _options, _clock, _threads) = (model, rule, data, options, clock, team.Count);
        _exact = options.ComparedSteps > 0 ? exact : null;
        _evaluator = new Evaluator(model, team);
        TrainedParameter[] trained = TrainedParameter.Of(model, options);
        _update = new ParameterUpdate(model.Values.Layout, trained, options.CreateOptimizer(), team);
        _readout = model.Options.IsSelfSupervised ? new ReadoutTraining(model, team, options.BatchSize, options.WeightDecay, _update.Velocity) : null;
        _average = options.AverageDecay > 0 ? new WeightAverage(model, trained.Select(part => part.Parameter), options.AverageDecay, team) : null;
        _stepsPerEpoch = Math.Min(data.Training.Count / options.BatchSize, options.MaximumSteps ?? int.MaxValue);
        _state = RunState.Start(model.Blocks.Count);
    }

    /// <summary>
    /// Puts a run where a checkpoint left it, for <see cref="Run"/> to go on from there: what it comes to is what the run would have
    /// come to without a stop, bit for bit, whatever the number of threads. The rule has to be of the kind and the seed it was.
    /// </summary>
    /// <param name="checkpoint">The checkpoint, whose numbers are copied.</param>
    /// <exception cref="ModelFileException">The checkpoint is of another model, other options or other images.</exception>
    public void Resume(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        checkpoint.RequireRun(_model, _options, NameImages(), _stepsPerEpoch);
        checkpoint.Model.Values.All.CopyTo(_model.Values.All);
        checkpoint.Velocity.All.CopyTo(_update.Velocity.All);
        _average?.Start(checkpoint.Average!);
        _resumed = checkpoint.State.Copy();
    }

    /// <summary>Trains for all epochs, or for those that are left.</summary>
    /// <param name="progress">Told where the run stands, up to ten times a second, on the calling thread.</param>
    /// <param name="epochEnded">Told what each epoch came to.</param>
    /// <param name="checkpoint">
    /// Given the run to keep: before its first step, after every epoch, within epochs as <see cref="TrainingOptions.CheckpointInterval"/>
    /// says, and when the run is ended. It holds what it is given only until it returns.
    /// </param>
    /// <param name="cancellation">Ends the run after the step in progress.</param>
    /// <exception cref="TrainingDivergedException">A loss is no longer a finite number.</exception>
    /// <exception cref="OperationCanceledException">The run was ended.</exception>
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

        (_state, _progress, _keep) = (_resumed ?? RunState.Start(_model.Blocks.Count), progress, checkpoint);
        _images = checkpoint is null ? "" : NameImages();
        _start = _clock.GetTimestamp() - (long)(_state.Elapsed.TotalSeconds * _clock.TimestampFrequency);
        _keptAt = _resumed?.Position;
        _kept = _clock.GetTimestamp();
        _resumed = null;
        try
        {
            return RunEpochs(epochEnded, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Between two steps, as steps do not end in the middle.
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
        using BatchLoader training = TrainingLoader(_options.Views(_model));
        using BatchLoader? asTheyAre = _readout is null ? null : TrainingLoader();
        using BatchLoader test = EvaluationLoader(_data.Test);
        Schedule schedule = new(
            _options.Schedule,
            _options.PeakRate,
            (long)Math.Round(_options.WarmupEpochs * _stepsPerEpoch),
            (long)_options.Epochs * _stepsPerEpoch);
        Evaluation? evaluation = null;
        Keep();
        while (_state.Epochs.Count < _options.Epochs && !(_state.EpochsWithoutProgress >= _options.Patience))
        {
            TrainEpoch(training, schedule, cancellation);
            _average?.Exchange();
            _readout?.Run(asTheyAre!, _state.Epochs.Count, _options.ReadoutLearningRate, _stepsPerEpoch, _state.ReadoutStep, ReadoutStepEnded, cancellation);
            evaluation = _evaluator.Evaluate(test, cancellation);
            EpochMetrics ended = new(
                _state.Epochs.Count + 1,
                schedule.Rate(((_state.Epochs.Count + 1L) * _stepsPerEpoch) - 1),
                _state.MeanBlockLosses,
                _state.MeanLoss,
                _state.ErrorPercent,
                evaluation.Loss,
                evaluation.Error,
                _state.ImagesPerSecond,
                _clock.GetElapsedTime(_start))
            {
                Gradients = GradientAgreement.Mean(_state.Gradients),
            };
            _state.End(ended);
            epochEnded?.Invoke(ended);
            _average?.Exchange();
            Keep();
        }

        _average?.Exchange();
        evaluation ??= _evaluator.Evaluate(test, cancellation);
        using BatchLoader trainingInOrder = EvaluationLoader(_data.Training);
        double trainError = _evaluator.Evaluate(trainingInOrder, cancellation).Error;
        double images = (double)_state.Epochs.Count * _stepsPerEpoch * _options.BatchSize;
        return new TrainingResult(_state.Epochs.Count, trainError, evaluation.Error, evaluation.BlockErrors, images / _state.Trained.TotalSeconds, _clock.GetElapsedTime(_start));
    }

    private void TrainEpoch(BatchLoader loader, Schedule schedule, CancellationToken cancellation)
    {
        int epoch = _state.Epochs.Count;
        long begun = _clock.GetTimestamp(), reported = begun;
        foreach (ImageBatch batch in loader.Epoch(epoch, _state.Step, cancellation).Take(_stepsPerEpoch - _state.Step))
        {
            long step = ((long)epoch * _stepsPerEpoch) + _state.Step;
            double rate = schedule.Rate(step);
            StepResult result = _rule.Step(batch.Pixels, batch.Labels, checked((uint)step));
            if (!result.IsFinite)
            {
                throw new TrainingDivergedException(
                    $"Training diverged: the loss is not a finite number at step {_state.Step + 1} of epoch {epoch + 1}, where the learning rate is {rate:G3}. Take a lower learning rate or a longer warm-up.");
            }

            TimeSpan compared = CompareIfDue(batch, step);
            _update.Apply(_model.Values, _rule.Gradients, rate);
            _average?.Add(step);
            _state.Add(result, batch);
            long ended = _clock.GetTimestamp();
            _state.EpochTrained += _clock.GetElapsedTime(begun, ended) - compared;
            begun = ended;
            if (_progress is not null && (_clock.GetElapsedTime(reported, ended) >= ReportInterval || _state.Step == _stepsPerEpoch))
            {
                reported = ended;
                _progress(new TrainingProgress(
                    epoch + 1,
                    _options.Epochs,
                    _state.Step,
                    _stepsPerEpoch,
                    _state.MeanBlockLosses,
                    _state.ErrorPercent,
                    _state.ImagesPerSecond,
                    _clock.GetElapsedTime(_start)));
            }

            if (KeepIfDue())
            {
                begun = _clock.GetTimestamp();
            }
        }
    }

    // What it measures is no part of the training; the time it took is told, to be left out of the speed.
    private TimeSpan CompareIfDue(ImageBatch batch, long step)
    {
        long compared = _options.ComparedSteps;
        if (_exact is null || (_state.Step + 1) * compared / _stepsPerEpoch == _state.Step * compared / _stepsPerEpoch)
        {
            return TimeSpan.Zero;
        }

        long begun = _clock.GetTimestamp();
        _exact.Step(batch.Pixels, batch.Labels, checked((uint)step));
        _state.Gradients.Add(GradientAgreement.Measure(_model, _rule.Gradients, _exact.Gradients));
        return _clock.GetElapsedTime(begun);
    }

    private void ReadoutStepEnded()
    {
        _state.ReadoutStep++;
        KeepIfDue();
    }

    private bool KeepIfDue()
    {
        bool due = _keep is not null && _clock.GetElapsedTime(_kept) >= _options.CheckpointInterval;
        if (due)
        {
            Keep();
        }

        return due;
    }

    // A run that stands where it was kept last is kept already. A checkpoint holds the parameters that training goes on with.
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
            _keep(new Checkpoint(_model, _update.Velocity, _average?.Values, _options, _images, _state));
            _keptAt = _state.Position;
            _kept = _clock.GetTimestamp();
        }

        if (exchanged)
        {
            _average!.Exchange();
        }
    }

    // Labels and statistics stand for images, which may lie on a disk and take hours to read.
    private string NameImages()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ImageSet images in new[] { _data.Training, _data.Test })
        {
            int[] sizes = [images.Count, images.Height, images.Width, images.Channels, images.Classes];
            hash.AppendData(MemoryMarshal.AsBytes(sizes.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(images.Labels.Span));
        }

        hash.AppendData(MemoryMarshal.AsBytes(_data.Mean.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(_data.StandardDeviation.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private BatchLoader TrainingLoader(IReadOnlyList<ViewRecipe>? views = null) =>
        new(_data.Training, _data.Mean, _data.StandardDeviation, _options.BatchSize, _options.Seed, views, _threads);

    private BatchLoader EvaluationLoader(ImageSet images) => BatchLoader.ForEvaluation(images, _data.Mean, _data.StandardDeviation, _threads);
}
