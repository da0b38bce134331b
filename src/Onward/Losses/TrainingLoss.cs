namespace Onward.Losses;

/// <summary>
/// The settings of the losses, except their scope (<see cref="LossScope"/>). The network decides which loss is used: cross-entropy for
/// heads that classify, the contrastive loss for a self-supervised network (paper's code).
/// </summary>
public sealed record TrainingLoss
{
    /// <summary>The temperature of the contrastive loss, which divides the cosines; above 0. Default 0.5, as in the paper's code.</summary>
    public double Temperature { get; init; } = 0.5;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">The temperature is out of range.</exception>
    internal void Validate()
    {
        if (!(double.IsFinite(Temperature) && Temperature > 0))
        {
            throw new ArgumentException($"The temperature must be a number above 0; got {Temperature}.");
        }
    }
}
