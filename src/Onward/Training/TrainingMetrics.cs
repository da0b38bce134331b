namespace Onward.Training;

/// <summary>Progress of a run, reported a few times a second.</summary>
/// <param name="Epoch">The current epoch, from 1.</param>
/// <param name="Epochs">Number of epochs of the run.</param>
/// <param name="Step">Number of steps done in this epoch.</param>
/// <param name="StepsPerEpoch">Number of steps in an epoch.</param>
/// <param name="BlockLosses">Mean local loss of each block over this epoch so far, in nats; empty if the rule has no local losses.
/// [block]</param>
/// <param name="TrainError">Percentage of training examples of this epoch that were classified wrongly when they were used. In a
/// contrastive run: the contrastive error, the percentage of views whose nearest view belongs to another image.</param>
/// <param name="ImagesPerSecond">Training speed of this epoch.</param>
/// <param name="Elapsed">Time since the run started.</param>
public sealed record TrainingProgress(
    int Epoch,
    int Epochs,
    int Step,
    int StepsPerEpoch,
    IReadOnlyList<double> BlockLosses,
    double TrainError,
    double ImagesPerSecond,
    TimeSpan Elapsed)
{
    /// <summary>Mean loss of the readout over this epoch so far, in nats.</summary>
    public double TrainLoss { get; init; }

    /// <summary>
    /// The evaluation in progress; null between evaluations. During an evaluation, the other numbers are those of the last
    /// step.
    /// </summary>
    public EvaluationProgress? Evaluation { get; init; }
}

/// <summary>Progress of an evaluation.</summary>
/// <param name="OnTrainingImages">True for training images; false for the test set.</param>
/// <param name="Done">Number of images evaluated so far. If processes share the run, this is extrapolated from this process.</param>
/// <param name="Images">Number of images in the evaluation.</param>
public sealed record EvaluationProgress(bool OnTrainingImages, int Done, int Images);

/// <summary>Metrics of one epoch.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="LearningRate">The learning rate of its last step.</param>
/// <param name="BlockLosses">Mean local loss of each block over the epoch, in nats; empty if the rule has no local losses. [block]</param>
/// <param name="TrainLoss">Mean loss of the readout over the epoch, in nats. In a contrastive run: of the last projection head.</param>
/// <param name="TrainError">Percentage of training examples that were classified wrongly when they were used. In a contrastive run:
/// the contrastive error, the percentage of views whose nearest view belongs to another image.</param>
/// <param name="TestLoss">Mean loss of the readout on the test set after the epoch, in nats.</param>
/// <param name="TestError">Error of the readout on the test set after the epoch, in percent.</param>
/// <param name="ImagesPerSecond">Training speed, without evaluation.</param>
/// <param name="Elapsed">Time since the run started.</param>
public sealed record EpochMetrics(
    int Epoch,
    double LearningRate,
    IReadOnlyList<double> BlockLosses,
    double TrainLoss,
    double TrainError,
    double TestLoss,
    double TestError,
    double ImagesPerSecond,
    TimeSpan Elapsed)
{
    /// <summary>
    /// Agreement of each block's gradients with exact ones, averaged over the compared steps; empty if none were compared.
    /// [block]
    /// </summary>
    public IReadOnlyList<GradientAgreement> Gradients { get; init; } = [];

    /// <summary>
    /// Variance of each block's gradient estimates with control variates (<see cref="Rules.ControlVariate"/>), as a fraction of
    /// the variance without them. Measured at the end of the epoch and averaged over the block's layers; empty without control
    /// variates. [block]
    /// </summary>
    public IReadOnlyList<double> NoiseLeft { get; init; } = [];

    /// <summary>Advice given in the epoch, one sentence each; usually none.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];
}

/// <summary>Result of a run.</summary>
/// <param name="Epochs">Number of epochs trained; fewer than planned if training stopped early
/// (<see cref="TrainingOptions.Patience"/>).</param>
/// <param name="TrainError">Error of the readout on the whole training set after the last epoch, in percent.</param>
/// <param name="TestError">Error of the readout on the test set after the last epoch, in percent.</param>
/// <param name="BlockTestErrors">Error of each block's local head on the test set, in percent; empty if the rule trains no local
/// heads. [block]</param>
/// <param name="ImagesPerSecond">Training speed over all epochs, without evaluation.</param>
/// <param name="Elapsed">Time of the whole run.</param>
public sealed record TrainingResult(
    int Epochs, double TrainError, double TestError, IReadOnlyList<double> BlockTestErrors, double ImagesPerSecond, TimeSpan Elapsed)
{
    /// <summary>The epoch with the lowest test error, the first one if several are equal.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Test error after <see cref="BestEpoch"/>, in percent.</summary>
    public required double BestTestError { get; init; }

    /// <summary>Mean loss of the readout on the whole training set after the last epoch, in nats.</summary>
    public double TrainLoss { get; init; }

    /// <summary>Mean loss of the readout on the test set after the last epoch, in nats.</summary>
    public double TestLoss { get; init; }

    /// <summary>Contrastive error of the last epoch, in percent; null in a supervised run.</summary>
    public double? ContrastiveError { get; init; }
}

/// <summary>Training diverged: a loss is no longer a finite number.</summary>
/// <param name="message">One line: where it happened and what to do.</param>
public sealed class TrainingDivergedException(string message) : Exception(message);
