namespace Onward.Losses;

/// <summary>
/// The settings of the losses, beside how far they reach (<see cref="LossScope"/>). The network decides between classes and
/// views: heads that classify learn from labels, heads that project learn to tell images apart (spec 5).
/// </summary>
public sealed record TrainingLoss
{
    /// <summary>Divisor of the cosines where images are told apart; above 0. Default 0.5, as in the paper's code.</summary>
    public double Temperature { get; init; } = 0.5;

    /// <summary>Checks the rule above.</summary>
    /// <exception cref="ArgumentException">The temperature is out of range.</exception>
    internal void Validate()
    {
        if (!(double.IsFinite(Temperature) && Temperature > 0))
        {
            throw new ArgumentException($"The temperature must be a number above 0; got {Temperature}.");
        }
    }
}
