namespace Onward.Rules;

/// <summary>The layers whose activities a forward gradient perturbs: its noise sites.</summary>
public enum NoiseSites
{
    /// <summary>Every layer, as in the paper.</summary>
    All,

    /// <summary>
    /// Every layer except the layer directly before a loss: the last layer of each block or, with a global loss, of the network. The
    /// gradient of that layer's output is exact: it is the gradient of the head's features, carried back through normalisations
    /// alone, without weights or noise. So each local loss depends on C fewer numbers of noise.
    /// </summary>
    Hidden,
}
