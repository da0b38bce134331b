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

    /// <summary>Prepares a run; the model keeps its parameters.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="rule">Computes the gradients of a batch.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="data">Images to train and to test on.</param>
    /// <param name="options">How to train.</param>
    /// <param name="clock">Tells the time that speeds and durations are measured with.</param>
    /// <exception cref="ArgumentException">The options are out of range or the batch is larger than the training set.</exception>
    public Trainer(LocalMixer model, LearningRule rule, WorkerTeam team, ImageDataset data, TrainingOptions options, TimeProvider clock)
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

        (_model, _rule, _data, _options, _clock, _threads) = (model, rule, data, options, clock, team.Count);
        _evaluator = new Evaluator(model, team);
        Optimizer optimizer = options.Optimizer == OptimizerKind.Lars ? new Lars(options.Momentum, options.WeightDecay) : new Sgd(options.Momentum, options.WeightDecay);
        _update = new ParameterUpdate(model.Values.Layout, model.Options.IsSelfSupervised ? WithoutLabels(model) : WithLabels(model, options.ReadoutRateScale), optimizer, team);
        _readout = model.Options.IsSelfSupervised ? new ReadoutTraining(model, team, options.BatchSize, options.WeightDecay) : null;
    }

    /// <summary>Trains for all epochs.</summary>
    /// <param name="progress">Told where the run stands, up to ten times a second, on the calling thread.</param>
    /// <param name="epochEnded">Told what each epoch came to.</param>
    /// <param name="cancellation">Ends the run after the step in progress.</param>
    /// <exception cref="TrainingDivergedException">A loss is no longer a finite number.</exception>
    /// <exception cref="OperationCanceledException">The run was ended.</exception>
    public TrainingResult Run(Action<TrainingProgress>? progress = null, Action<EpochMetrics>? epochEnded = null, CancellationToken cancellation = default)
    {
        long start = _clock.GetTimestamp();
        using BatchLoader training = TrainingLoader(Views());
        using BatchLoader? asTheyAre = _readout is null ? null : TrainingLoader();
        using BatchLoader test = EvaluationLoader(_data.Test);
        Schedule schedule = new(
            _options.Schedule,
            _options.PeakRate,
            (long)Math.Round(_options.WarmupEpochs * training.StepsPerEpoch),
            (long)_options.Epochs * training.StepsPerEpoch);
        TimeSpan trained = TimeSpan.Zero;
        EpochMetrics? last = null;
        Evaluation? evaluation = null;
        for (int epoch = 0; epoch < _options.Epochs; epoch++)
        {
            long epochStart = _clock.GetTimestamp();
            EpochSums sums = TrainEpoch(training, schedule, epoch, start, progress, cancellation);
            TimeSpan duration = _clock.GetElapsedTime(epochStart);
            trained += duration;
            _readout?.Run(asTheyAre!, epoch, _options.ReadoutLearningRate, cancellation);
            evaluation = _evaluator.Evaluate(test, cancellation);
            last = new EpochMetrics(
                epoch + 1,
                schedule.Rate(((epoch + 1L) * training.StepsPerEpoch) - 1),
                sums.BlockLosses,
                sums.Loss,
                sums.ErrorPercent,
                evaluation.Loss,
                evaluation.Error,
                sums.Images / duration.TotalSeconds,
                _clock.GetElapsedTime(start));
            epochEnded?.Invoke(last);
        }

        using BatchLoader trainingInOrder = EvaluationLoader(_data.Training);
        double trainError = _evaluator.Evaluate(trainingInOrder, cancellation).Error;
        double images = (double)_options.Epochs * training.StepsPerEpoch * _options.BatchSize;
        return new TrainingResult(trainError, evaluation!.Error, evaluation.BlockErrors, images / trained.TotalSeconds, _clock.GetElapsedTime(start));
    }

    private EpochSums TrainEpoch(BatchLoader loader, Schedule schedule, int epoch, long start, Action<TrainingProgress>? progress, CancellationToken cancellation)
    {
        EpochSums sums = new(_model.Blocks.Count);
        long epochStart = _clock.GetTimestamp(), reported = epochStart;
        foreach (ImageBatch batch in loader.Epoch(epoch, cancellation: cancellation))
        {
            long step = ((long)epoch * loader.StepsPerEpoch) + sums.Steps;
            double rate = schedule.Rate(step);
            StepResult result = _rule.Step(batch.Pixels, batch.Labels, checked((uint)step));
            if (!result.IsFinite)
            {
                throw new TrainingDivergedException(
                    $"Training diverged: the loss is not a finite number at step {sums.Steps + 1} of epoch {epoch + 1}, where the learning rate is {rate:G3}. Take a lower learning rate or a longer warm-up.");
            }

            _update.Apply(_model.Values, _rule.Gradients, rate);
            sums.Add(result, batch);
            if (progress is not null && (_clock.GetElapsedTime(reported) >= ReportInterval || sums.Steps == loader.StepsPerEpoch))
            {
                reported = _clock.GetTimestamp();
                progress(new TrainingProgress(
                    epoch + 1,
                    _options.Epochs,
                    sums.Steps,
                    loader.StepsPerEpoch,
                    sums.BlockLosses,
                    sums.ErrorPercent,
                    sums.Images / _clock.GetElapsedTime(epochStart).TotalSeconds,
                    _clock.GetElapsedTime(start)));
            }
        }

        return sums;
    }

    private static TrainedParameter[] WithLabels(LocalMixer model, double readoutScale) =>
    [
        .. model.Values.Layout.Parameters.Select(parameter => new TrainedParameter(parameter, parameter.IsMatrix, IsReadout(model, parameter) ? readoutScale : 1)),
    ];

    // Only the matrices of the blocks' layers decay, and the readout learns apart (spec 5).
    private static TrainedParameter[] WithoutLabels(LocalMixer model)
    {
        HashSet<Parameter> layers = [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => layer.Weight)];
        return
        [
            .. model.Values.Layout.Parameters.Where(parameter => !IsReadout(model, parameter))
                .Select(parameter => new TrainedParameter(parameter, layers.Contains(parameter))),
        ];
    }

    private static bool IsReadout(LocalMixer model, Parameter parameter) => parameter == model.Readout.Weight || parameter == model.Readout.Bias;

    private ViewRecipe[] Views() => _model.Options.IsSelfSupervised
        ? [_options.Augmentation, _options.SecondView ?? _options.Augmentation]
        : [_options.Augmentation];

    private BatchLoader TrainingLoader(IReadOnlyList<ViewRecipe>? views = null) =>
        new(_data.Training, _data.Mean, _data.StandardDeviation, _options.BatchSize, _options.Seed, views, _threads);

    private BatchLoader EvaluationLoader(ImageSet images) => BatchLoader.ForEvaluation(images, _data.Mean, _data.StandardDeviation, _threads);

    // Sums over the steps of one epoch.
    private sealed class EpochSums(int blocks)
    {
        private readonly double[] _blockLosses = new double[blocks];
        private double _loss;
        private long _mistakes;
        private long _examples;

        internal int Steps { get; private set; }

        internal long Images { get; private set; }

        internal double Loss => _loss / Steps;

        internal double ErrorPercent => 100.0 * _mistakes / _examples;

        internal IReadOnlyList<double> BlockLosses => [.. _blockLosses.Select(loss => loss / Steps)];

        internal void Add(StepResult result, ImageBatch batch)
        {
            Steps++;
            Images += batch.Images;
            _examples += batch.Count;
            _loss += result.ReadoutLoss;
            _mistakes += result.Mistakes;
            for (int k = 0; k < _blockLosses.Length; k++)
            {
                _blockLosses[k] += result.BlockLosses[k];
            }
        }
    }
}
