namespace Onward.Training;

/// <summary>Where a run stands, reported a few times a second.</summary>
/// <param name="Epoch">The epoch in progress, from 1.</param>
/// <param name="Epochs">Epochs of the run.</param>
/// <param name="Step">Steps done in this epoch.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="BlockLosses">Mean local loss of each block over this epoch so far, in nats; empty if the rule has no local losses.</param>
/// <param name="TrainError">
/// Training examples of this epoch that were wrong when they were met, in percent. In a contrastive run: the contrastive error, the
/// share of views whose nearest view is not of the same image.
/// </param>
/// <param name="ImagesPerSecond">Training speed of this epoch.</param>
/// <param name="Elapsed">Time since the run began.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int StepsPerEpoch, IReadOnlyList<double> BlockLosses, double TrainError, double ImagesPerSecond, TimeSpan Elapsed)
{
    /// <summary>
    /// The evaluation that is under way; null between evaluations. While there is one, the other numbers are those of the last step.
    /// </summary>
    public EvaluationProgress? Evaluation { get; init; }
}

/// <summary>The progress of an evaluation.</summary>
/// <param name="OnTrainingImages">True for training images; false for the test set.</param>
/// <param name="Done">Images evaluated so far; where processes share a run, as if all were as far as this one.</param>
/// <param name="Images">Images of the evaluation.</param>
public sealed record EvaluationProgress(bool OnTrainingImages, int Done, int Images);

/// <summary>What an epoch came to.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="LearningRate">The rate of its last step.</param>
/// <param name="BlockLosses">Mean local loss of each block over the epoch, in nats; empty if the rule has no local losses.</param>
/// <param name="TrainLoss">Mean loss of the readout over the epoch, in nats; in a contrastive run: of the last projection.</param>
/// <param name="TrainError">
/// Training examples that were wrong when they were met, in percent. In a contrastive run: the contrastive error, the share of views
/// whose nearest view is not of the same image.
/// </param>
/// <param name="TestLoss">Loss of the readout on the test set after the epoch, in nats.</param>
/// <param name="TestError">Error of the readout on the test set after the epoch, in percent.</param>
/// <param name="ImagesPerSecond">Training speed, evaluation left out.</param>
/// <param name="Elapsed">Time since the run began.</param>
public sealed record EpochMetrics(
    int Epoch, double LearningRate, IReadOnlyList<double> BlockLosses, double TrainLoss, double TrainError, double TestLoss, double TestError, double ImagesPerSecond, TimeSpan Elapsed)
{
    /// <summary>
    /// How well the gradients of each block agreed with exact ones, the mean over the steps that were compared; empty where none were.
    /// </summary>
    public IReadOnlyList<GradientAgreement> Gradients { get; init; } = [];

    /// <summary>
    /// The noise that predictions left in the estimates of each block at the end of the epoch, as a share of what there is without them,
    /// the mean
    /// of its layers; empty where nothing predicts (<see cref="Rules.ControlVariate"/>).
    /// </summary>
    public IReadOnlyList<double> NoiseLeft { get; init; } = [];

    /// <summary>The advice that the run was given in the epoch, a sentence each; mostly none.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];
}

/// <summary>What a run came to.</summary>
/// <param name="Epochs">Epochs that were trained: fewer than were planned where the run ended for want of a lower error.</param>
/// <param name="TrainError">Error of the readout on the whole training set after the last epoch, in percent.</param>
/// <param name="TestError">Error on the test set after the last epoch, in percent.</param>
/// <param name="BlockTestErrors">Error of each block's local head on the test set, in percent; empty if the rule trains none.</param>
/// <param name="ImagesPerSecond">Training speed over all epochs, evaluation left out.</param>
/// <param name="Elapsed">Time of the whole run.</param>
public sealed record TrainingResult(
    int Epochs, double TrainError, double TestError, IReadOnlyList<double> BlockTestErrors, double ImagesPerSecond, TimeSpan Elapsed)
{
    /// <summary>The first epoch of the lowest error on the test set.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Error on the test set after that epoch, in percent.</summary>
    public required double BestTestError { get; init; }

    /// <summary>Contrastive error of the last epoch, in percent; null in a supervised run.</summary>
    public double? ContrastiveError { get; init; }
}

/// <summary>The loss of a run stopped being a number.</summary>
/// <param name="message">Where it happened and what to do.</param>
public sealed class TrainingDivergedException(string message) : Exception(message);
