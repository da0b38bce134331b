namespace Onward.Models;

/// <summary>Where a LocalMixer normalises (spec 2.4 to 2.6). None of them has learned parameters.</summary>
[Flags]
public enum Normalizations
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>A block's input, over all channels of a token, before its first layer.</summary>
    Begin = 1,

    /// <summary>The output of each affine layer: over all channels, or per group after the grouped layer.</summary>
    PostLinear = 2,

    /// <summary>The input of a block's second and third layer.</summary>
    Middle = 4,

    /// <summary>The features that a block's local head reads, per group.</summary>
    Inter = 8,

    /// <summary>The pooled features that the readout reads, over all channels.</summary>
    Last = 16,

    /// <summary>Everywhere, as the paper describes the network.</summary>
    All = Begin | PostLinear | Middle | Inter | Last,
}

/// <summary>Scale of the initial weights, drawn from N(0, scale^2) (spec 2.7). Biases start at 0.</summary>
public enum WeightInitializer
{
    /// <summary>min(2 / sqrt(fan-in), 0.1).</summary>
    Kaiming,

    /// <summary>min(1 / sqrt(fan-in), 0.1).</summary>
    Lecun,

    /// <summary>0.1.</summary>
    Constant,
}

/// <summary>How the blocks after the first mix patches (spec 2.5).</summary>
public enum TokenMixer
{
    /// <summary>One matrix over all patches, the same for every channel.</summary>
    Matrix,

    /// <summary>A small kernel over neighbouring patches, one for each channel (<c>conv_mixer</c> in the paper's code).</summary>
    DepthwiseConvolution,
}

/// <summary>What a LocalMixer looks like.</summary>
public sealed record LocalMixerOptions
{
    /// <summary>Blocks; at least 1. The first mixes no tokens and has no residual.</summary>
    public required int Blocks { get; init; }

    /// <summary>Patches along each side of the image; P is its square.</summary>
    public required int PatchesPerSide { get; init; }

    /// <summary>Channels, D.</summary>
    public required int Channels { get; init; }

    /// <summary>Channel groups, G; divides <see cref="Channels"/>, with at least 2 channels each.</summary>
    public required int Groups { get; init; }

    /// <summary>Pixels along each side of the (square) image.</summary>
    public required int ImageSide { get; init; }

    /// <summary>Channels of the image: 1 for grey, 3 for colour.</summary>
    public required int ImageChannels { get; init; }

    /// <summary>Classes, K; at least 2.</summary>
    public required int Classes { get; init; }

    /// <summary>
    /// Outputs of each local head and of a projector at the end of the network, where they are trained to tell images apart
    /// without labels (spec 5); 0, the default, where heads classify. The readout classifies in both.
    /// </summary>
    public int Projection { get; init; }

    /// <summary>Where to normalise; default everywhere.</summary>
    public Normalizations Normalizations { get; init; } = Normalizations.All;

    /// <summary>Scale of the initial weights; default Kaiming.</summary>
    public WeightInitializer Initializer { get; init; } = WeightInitializer.Kaiming;

    /// <summary>Whether local heads that classify start at 0, as the readout always does; default true. Projections never do.</summary>
    public bool ZeroHeads { get; init; } = true;

    /// <summary>How patches are mixed; default a matrix.</summary>
    public TokenMixer TokenMixer { get; init; } = TokenMixer.Matrix;

    /// <summary>Patches along each side of the kernel of <see cref="TokenMixer.DepthwiseConvolution"/>: an odd number; default 3.</summary>
    public int KernelSide { get; init; } = 3;

    /// <summary>Whether heads project instead of classifying.</summary>
    public bool IsSelfSupervised => Projection > 0;

    /// <summary>Outputs of each local head.</summary>
    public int HeadOutputs => IsSelfSupervised ? Projection : Classes;

    /// <summary>Patches of an image, P.</summary>
    public int Patches => PatchesPerSide * PatchesPerSide;

    /// <summary>Channels of one group, C.</summary>
    public int ChannelsPerGroup => Channels / Groups;

    /// <summary>Pixels along each side of a patch: images that do not divide evenly are padded by repeating their edge.</summary>
    public int PatchSide => (ImageSide + PatchesPerSide - 1) / PatchesPerSide;

    /// <summary>Floats in one patch vector, (row, column, channel).</summary>
    public int PatchVector => PatchSide * PatchSide * ImageChannels;

    /// <summary>Local losses that train the blocks: one for each block, patch and group.</summary>
    public long LocalLosses => (long)Blocks * Patches * Groups;

    /// <summary>Trained numbers of the network, from its sizes alone.</summary>
    internal Int128 ParameterCount
    {
        get
        {
            Int128 channels = Channels, patches = (Int128)PatchesPerSide * PatchesPerSide;
            Int128 patchSide = ((Int128)ImageSide + PatchesPerSide - 1) / PatchesPerSide;
            Int128 group = channels * (Channels / Groups) + channels;
            Int128 head = channels * HeadOutputs + HeadOutputs;
            Int128 readout = channels * Classes + Classes;
            Int128 first = patchSide * patchSide * ImageChannels * channels + channels + group + head;
            Int128 mixer = TokenMixer == TokenMixer.Matrix ? patches * patches + patches : ((Int128)KernelSide * KernelSide + 1) * channels;
            Int128 other = mixer + channels * channels + channels + group + head;
            return first + (other * (Blocks - 1)) + (IsSelfSupervised ? head : 0) + readout;
        }
    }

    /// <summary>Whether one example's rows, inputs included, fit an array.</summary>
    internal bool FitsMemory =>
        (Int128)PatchesPerSide * PatchesPerSide * Math.Max(Channels, PatchVector) <= Array.MaxLength && ParameterCount <= Array.MaxLength / 2;

    /// <summary>Checks every rule above.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message lists all of it.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Require(Blocks >= 1, $"blocks must be at least 1; got {Blocks}");
        Require(PatchesPerSide >= 1, $"patches per side must be at least 1; got {PatchesPerSide}");
        Require(Groups >= 1, $"groups must be at least 1; got {Groups}");
        Require(Groups < 1 || (Channels % Groups == 0 && Channels / Groups >= 2), $"channels ({Channels}) must be a multiple of groups ({Groups}) with at least 2 channels in each group");
        Require(KernelSide >= 1 && KernelSide % 2 == 1, $"the kernel side must be an odd number, 1 or more; got {KernelSide}");
        Require(ImageSide >= 1, $"the image side must be at least 1 pixel; got {ImageSide}");
        Require(ImageChannels >= 1, $"the image must have at least 1 channel; got {ImageChannels}");
        Require(Classes >= 2, $"there must be at least 2 classes; got {Classes}");
        Require(Projection is 0 or >= 2, $"a projection has at least 2 outputs, or is 0 for heads that classify; got {Projection}");
        Require(
            PatchesPerSide < 1 || ImageSide < 1 || ImageChannels < 1 || PatchVector >= 2,
            $"{PatchesPerSide} patches along a side of {ImageSide} pixels leave one number in a patch, which normalisation turns into 0; take fewer patches or larger images");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"LocalMixer: {string.Join("; ", faults)}.");
        }

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
