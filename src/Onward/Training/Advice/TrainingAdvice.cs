using System.Globalization;
using System.Text.Json.Serialization;

namespace Onward.Training;

/// <summary>Signs that a run does not learn.</summary>
public enum AdviceKind
{
    /// <summary>A loss has risen far above its lowest value.</summary>
    LossRises,

    /// <summary>A loss has not fallen below the loss of guessing.</summary>
    LossStays,

    /// <summary>A parameter has grown far beyond the scale of the normalised activations that it is added to or multiplied by.</summary>
    ParameterGrows,
}

/// <summary>Advice given during training: a sign that the run does not learn, and where it was seen.</summary>
/// <param name="Kind">The sign.</param>
/// <param name="Subject">The block, the readout or the parameter that shows it.</param>
/// <param name="From">The lowest loss, the loss of guessing, or the largest reasonable size of a parameter.</param>
/// <param name="To">The loss, or the size of the parameter, when the advice was given.</param>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Step">The step of the epoch, from 1.</param>
/// <param name="LearningRate">The learning rate of the options, before warm-up and schedule.</param>
public sealed record TrainingAdvice(AdviceKind Kind, string Subject, double From, double To, int Epoch, int Step, double LearningRate)
{
    /// <summary>The advice as a sentence without a full stop.</summary>
    [JsonIgnore]
    public string Message => Kind switch
    {
        AdviceKind.LossRises => Format($"the loss of {Subject} rose from {From:0.00} to {To:G3} by {Place}: {TooHigh}"),
        AdviceKind.LossStays =>
            Format($"the loss of {Subject} is {To:0.000} after {Epochs} and guessing gives {From:0.000}: it learns nothing at {Rate}"),
        _ => Format($"{Subject} has grown to {To:G3} (root mean square) by {Place}: {TooHigh}"),
    };

    /// <summary>A learning rate to try instead; null if the sign does not show whether the rate is too high or too low.</summary>
    [JsonIgnore]
    public double? SuggestedRate => Kind == AdviceKind.LossStays
        ? null
        : double.Parse((LearningRate / 5).ToString("G1", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private string Place => Format($"step {Step} of epoch {Epoch}");

    private string Epochs => Format($"{Epoch} epoch{(Epoch == 1 ? "" : "s")}");

    private string Rate => Format($"the learning rate {LearningRate:G4}");

    private string TooHigh => $"{Rate} is too high for it";

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
