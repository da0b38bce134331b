namespace Onward.Learning;

/// <summary>
/// What the losses measure, beside how far they reach (<see cref="LossScope"/>). The network decides between classes and
/// views: heads that classify learn from labels, heads that project learn to tell images apart (spec 5).
/// </summary>
public sealed record TrainingLoss
{
    /// <summary>
    /// How much of each local loss matches similarities instead of classifying: 0 for none, 1 for all. The similarity loss
    /// (Nøkland and Eidnes 2019) asks that features of two examples point the same way where their classes agree. The heads
    /// themselves classify at their full rate, whatever the blocks learn from.
    /// </summary>
    public double SimilarityWeight { get; init; }

    /// <summary>
    /// Whether a block also learns from the local loss of the block after it, which lessens the greed of local losses (Xiong et
    /// al. 2020; spec 4.2). Default false. The published code adds two runs, cut after even and after odd blocks, which
    /// counts a block's own loss twice; here each loss counts once. A step keeps the values of all blocks then: memory grows
    /// with depth, but not with the batch.
    /// </summary>
    public bool Overlap { get; init; }

    /// <summary>What cosines are divided by where images are told apart; above 0. Default 0.5, as in the paper's code.</summary>
    public double Temperature { get; init; } = 0.5;

    /// <summary>Checks every rule above.</summary>
    /// <param name="selfSupervised">Whether the network's heads project.</param>
    /// <exception cref="ArgumentException">Something is out of range.</exception>
    internal void Validate(bool selfSupervised)
    {
        if (!(SimilarityWeight is >= 0 and <= 1))
        {
            throw new ArgumentException($"The weight of the similarity loss must be from 0 to 1; got {SimilarityWeight}.");
        }

        if (selfSupervised && SimilarityWeight > 0)
        {
            throw new ArgumentException("The similarity loss compares classes; a network that learns without labels has none. Set its weight to 0.");
        }

        if (!(double.IsFinite(Temperature) && Temperature > 0))
        {
            throw new ArgumentException($"The temperature must be a number above 0; got {Temperature}.");
        }
    }
}
