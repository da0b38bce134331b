namespace Onward.Losses;

/// <summary>
/// Which local losses a learning rule reads (paper section 4; spec 3.1). Each flag cuts the loss into pieces that only a
/// part of the network influences, which lowers the variance of a forward gradient.
/// </summary>
[Flags]
public enum LossScope
{
    /// <summary>The loss of the readout alone.</summary>
    Global = 0,

    /// <summary>One loss at the end of each block; nothing is differentiated across blocks.</summary>
    Block = 1,

    /// <summary>One loss for each patch.</summary>
    Patch = 2,

    /// <summary>One loss for each channel group.</summary>
    Group = 4,

    /// <summary>A loss for every block, patch and group, as in the paper's LG rules.</summary>
    All = Block | Patch | Group,
}
