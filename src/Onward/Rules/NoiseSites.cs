namespace Onward.Rules;

/// <summary>The layers whose activities a forward gradient perturbs: its noise sites.</summary>
public enum NoiseSites
{
    /// <summary>Every layer, as the paper has it.</summary>
    All,

    /// <summary>
    /// Every layer except the one that a loss follows directly: the last of each block or, with a global loss, the last of the network. The
    /// gradient of that layer's output is q, the gradient that the step takes at the head, back through normalisations alone. It needs no
    /// weights of the layer and no noise, so it is exact; and C numbers of noise fewer meet in each local loss.
    /// </summary>
    Hidden,
}
