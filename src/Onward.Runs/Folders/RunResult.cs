using System.Text.Json.Serialization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The result of a run that has ended, as <c>result.json</c> holds it.</summary>
public sealed record RunResult
{
    /// <summary>The reason why the run diverged; null where it did not.</summary>
    public required string? Divergence { get; init; }

    /// <summary>Epochs that were trained; null where the run diverged, and in runs of versions that did not keep it.</summary>
    public int? Epochs { get; init; }

    /// <summary>Error of the readout on the training set, in percent; null where the run diverged.</summary>
    public required double? TrainError { get; init; }

    /// <summary>
    /// Contrastive error of the last epoch, in percent; null in a supervised run, and in runs of versions that did not keep it.
    /// </summary>
    public double? ContrastiveError { get; init; }

    /// <summary>Error on the test set, or on the images held out, in percent.</summary>
    public required double? TestError { get; init; }

    /// <summary>
    /// The first epoch of the lowest error on those images; null where the run diverged, and in runs of versions that did not keep it.
    /// </summary>
    public int? BestEpoch { get; init; }

    /// <summary>Error on the same images after that epoch, in percent.</summary>
    public double? BestTestError { get; init; }

    /// <summary>Error of each block's head on the same images; empty if the rule trains none.</summary>
    public required IReadOnlyList<double> BlockTestErrors { get; init; }

    /// <summary>
    /// Loss of the readout on the training set, in bits per character; null where the run diverged or learns images.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TrainBitsPerCharacter { get; init; }

    /// <summary>Loss of the readout on the test set, or on the part held out, in bits per character.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TestBitsPerCharacter { get; init; }

    /// <summary>Training speed over all epochs.</summary>
    public required double? ImagesPerSecond { get; init; }

    /// <summary>Memory that a step works in beside parameters and gradients, in megabytes of 10^6 bytes.</summary>
    public required double ActivationMB { get; init; }

    /// <summary>Time of the whole run; null where it diverged.</summary>
    public required double? Seconds { get; init; }

    /// <summary>The advice that the run was given, a sentence each.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];

    /// <summary>True if a run can have these numbers as its result.</summary>
    internal bool IsInRange =>
        new[] { TrainError, TestError, ImagesPerSecond, Seconds }.All(number => (number is null) == (Divergence is not null))
        && (Divergence is null || IsSentence(Divergence))
        && Epochs is null or >= 0
        && (BestEpoch is null) == (BestTestError is null)
        && (BestEpoch is null || (BestEpoch >= 1 && BestEpoch <= Epochs))
        && new[] { TrainError, ContrastiveError, TestError, BestTestError }.All(IsPercent)
        && BlockTestErrors.All(error => IsPercent(error))
        && new[] { ImagesPerSecond, ActivationMB, TrainBitsPerCharacter, TestBitsPerCharacter }.All(
            number => number is null || (number >= 0 && double.IsFinite(number.Value)))
        && (Seconds is null || (Seconds >= 0 && Seconds < TimeSpan.MaxValue.TotalSeconds))
        && Advice.All(IsSentence);

    /// <summary>True if a text can be advice of this program, which a terminal may show as it is.</summary>
    internal static bool IsSentence(string? text) => text is not null && text.All(letter => letter is >= ' ' and <= '~');

    /// <summary>The result of a run that went through.</summary>
    internal static RunResult Of(TrainingResult result, IReadOnlyList<TrainingAdvice> advice, long activationBytes, bool isText) => new()
    {
        Divergence = null,
        Epochs = result.Epochs,
        TrainError = Math.Round(result.TrainError, 4),
        ContrastiveError = ResultJson.Round(result.ContrastiveError),
        TestError = Math.Round(result.TestError, 4),
        BestEpoch = result.BestEpoch,
        BestTestError = Math.Round(result.BestTestError, 4),
        BlockTestErrors = [.. result.BlockTestErrors.Select(error => Math.Round(error, 4))],
        TrainBitsPerCharacter = isText ? Math.Round(Figures.BitsOf(result.TrainLoss), 4) : null,
        TestBitsPerCharacter = isText ? Math.Round(Figures.BitsOf(result.TestLoss), 4) : null,
        ImagesPerSecond = Math.Round(result.ImagesPerSecond, 1),
        ActivationMB = Megabytes(activationBytes),
        Seconds = Math.Round(result.Elapsed.TotalSeconds, 2),
        Advice = [.. advice.Select(given => given.Message)],
    };

    /// <summary>The result of a run that diverged.</summary>
    internal static RunResult Of(TrainingDivergedException fault, IReadOnlyList<TrainingAdvice> advice, long activationBytes) => new()
    {
        Divergence = fault.Message,
        TrainError = null,
        TestError = null,
        BlockTestErrors = [],
        ImagesPerSecond = null,
        ActivationMB = Megabytes(activationBytes),
        Seconds = null,
        Advice = [.. advice.Select(given => given.Message)],
    };

    private static bool IsPercent(double? error) => error is null or (>= 0 and <= 100);

    private static double Megabytes(long bytes) => Math.Round(bytes / 1e6, 2);
}
