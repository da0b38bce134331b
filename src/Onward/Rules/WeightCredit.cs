namespace Onward.Rules;

/// <summary>The derivatives that weight perturbation multiplies its noise by, with losses for each channel group.</summary>
public enum WeightCredit
{
    /// <summary>
    /// Those of the groups that a weight feeds, as if no normalisation followed its layer (paper's code). The estimate is biased where a
    /// normalisation over all channels follows, and has the lowest variance.
    /// </summary>
    Paper,

    /// <summary>Those of all groups that a weight can change, by the declared reach of the layers. The estimate is unbiased.</summary>
    Reach,
}
