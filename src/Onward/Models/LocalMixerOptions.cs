using Onward.Layers;

namespace Onward.Models;

/// <summary>The normalisations of a LocalMixer (paper's code). None of them has learned parameters.</summary>
[Flags]
public enum Normalizations
{
    /// <summary>No normalisation.</summary>
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

    /// <summary>All normalisations, as the paper describes the network.</summary>
    All = Begin | PostLinear | Middle | Inter | Last,
}

/// <summary>The layer by which the blocks after the first mix patches (paper's code).</summary>
public enum TokenMixer
{
    /// <summary>One matrix over all patches, the same for every channel.</summary>
    Matrix,

    /// <summary>A small kernel over neighbouring patches, one for each channel (<c>conv_mixer</c> in the paper's code).</summary>
    DepthwiseConvolution,
}

/// <summary>The sizes and layers of a LocalMixer.</summary>
/// <remarks>
/// <see cref="Patches"/>, <see cref="Channels"/> and <see cref="Groups"/> are the sizes of the first block. If the network is
/// scaled (<see cref="Downsample"/>, <see cref="ChannelRatio"/>, <see cref="GroupRatio"/>), later blocks have sizes of their own:
/// <see cref="PatchesOf"/>, <see cref="ChannelsOf"/>, <see cref="GroupsOf"/>. Two options with equal lists are equal only if
/// the lists are the same objects.
/// </remarks>
public sealed record LocalMixerOptions
{
    /// <summary>
    /// Default of <see cref="Epsilon"/>. Rows with a standard deviation below 0.1, a tenth of the usual, are damped instead of magnified.
    /// </summary>
    public const float DefaultEpsilon = 1e-2f;

    /// <summary>Value of <see cref="Epsilon"/> in the paper's code, and in every model of version 0.1.</summary>
    public const float PaperEpsilon = 1e-5f;

    private const int LargestRatio = 64;

    /// <summary>Number of blocks; at least 1. The first block mixes no patches and has no residual.</summary>
    public required int Blocks { get; init; }

    /// <summary>Patches along each side of the image; P is the square of this number.</summary>
    public required int PatchesPerSide { get; init; }

    /// <summary>Number of channels, D.</summary>
    public required int Channels { get; init; }

    /// <summary>Number of channel groups, G. It divides <see cref="Channels"/>, and each group has at least 2 channels.</summary>
    public required int Groups { get; init; }

    /// <summary>Pixels along each side of the (square) image.</summary>
    public required int ImageSide { get; init; }

    /// <summary>Channels of the image: 1 for grey, 3 for colour.</summary>
    public required int ImageChannels { get; init; }

    /// <summary>Number of classes, K; at least 2.</summary>
    public required int Classes { get; init; }

    /// <summary>
    /// Outputs of each local head and of the projector in a self-supervised network (paper's code), which learns without labels. Default 0:
    /// the
    /// heads classify. The readout classifies in both cases.
    /// </summary>
    public int Projection { get; init; }

    /// <summary>The normalisations; default all.</summary>
    public Normalizations Normalizations { get; init; } = Normalizations.All;

    /// <summary>
    /// Number that each normalisation adds to the variance before it takes the root; above 0, below 1. Default
    /// <see cref="DefaultEpsilon"/>.
    /// </summary>
    /// <remarks>
    /// Normalisation brings every layer's input to a standard deviation of 1. A row counts as flat if its standard deviation is below
    /// sqrt(epsilon). A gradient that passes back through a normalisation grows at most by the factor 1 / sqrt(epsilon). With
    /// <see cref="PaperEpsilon"/>, a flat row, such as the border of a digit, multiplies the gradient of the bias by 316.
    /// </remarks>
    public float Epsilon { get; init; } = DefaultEpsilon;

    /// <summary>Scale of the initial weights; default Kaiming.</summary>
    public WeightInitializer Initializer { get; init; } = WeightInitializer.Kaiming;

    /// <summary>
    /// True if local heads that classify start at 0; default true. The readout always starts at 0, and heads of a self-supervised network
    /// never do.
    /// </summary>
    public bool ZeroHeads { get; init; } = true;

    /// <summary>The layer that mixes patches; default a matrix.</summary>
    public TokenMixer TokenMixer { get; init; } = TokenMixer.Matrix;

    /// <summary>Patches along each side of the kernel of <see cref="TokenMixer.DepthwiseConvolution"/>: an odd number; default 3.</summary>
    public int KernelSide { get; init; } = 3;

    /// <summary>
    /// The factor by which each side of the grid of patches shrinks after each block: 1, 2 or 3 (paper's code). One number for each block,
    /// the
    /// last of them 1. Default empty: 1 everywhere.
    /// </summary>
    public IReadOnlyList<int> Downsample { get; init; } = [];

    /// <summary>
    /// The factor by which the number of channels grows after each block, with the form of <see cref="Downsample"/>. The channel layer of
    /// the next block widens, and its residual is so many copies of the block's input.
    /// </summary>
    public IReadOnlyList<int> ChannelRatio { get; init; } = [];

    /// <summary>
    /// The factor by which the number of channel groups grows after each block, with the form of <see cref="Downsample"/>.
    /// </summary>
    public IReadOnlyList<int> GroupRatio { get; init; } = [];

    /// <summary>The pooling by which a grid narrows; default the mean.</summary>
    public PatchPooling Pooling { get; init; } = PatchPooling.Average;

    /// <summary>Patches along each side of a block's grid.</summary>
    /// <param name="block">The block, from 0.</param>
    public int PatchesPerSideOf(int block) => Downsample.Take(block).Aggregate(PatchesPerSide, GridPooling.OutputSideOf);

    /// <summary>Patches of a block, P.</summary>
    /// <param name="block">The block, from 0.</param>
    public int PatchesOf(int block) => PatchesPerSideOf(block) * PatchesPerSideOf(block);

    /// <summary>Channels of a block's output, D.</summary>
    /// <param name="block">The block, from 0.</param>
    public int ChannelsOf(int block) => ChannelRatio.Take(block).Aggregate(Channels, (channels, factor) => checked(channels * factor));

    /// <summary>Channel groups of a block, G.</summary>
    /// <param name="block">The block, from 0.</param>
    public int GroupsOf(int block) => GroupRatio.Take(block).Aggregate(Groups, (groups, factor) => checked(groups * factor));

    /// <summary>True if the network learns without labels: its heads compute embeddings instead of logits.</summary>
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
    public long LocalLosses => BlockSizes.Sum(size => (long)PatchesOf(size.Block) * GroupsOf(size.Block) * size.Count);

    /// <summary>Number of trained numbers, computed from the sizes alone.</summary>
    internal Int128 ParameterCount
    {
        get
        {
            Int128 count = 0;
            foreach ((int k, int blocks) in BlockSizes)
            {
                Int128 inputs = k == 0 ? WidePatchVector : ChannelsOf(k - 1), channels = ChannelsOf(k), patches = WidePatchesOf(k);
                Int128 mixer = k == 0
                    ? 0
                    : TokenMixer == TokenMixer.Matrix ? (patches * patches) + patches
                    : (((Int128)KernelSide * KernelSide) + 1) * inputs;
                Int128 head = (channels * HeadOutputs) + HeadOutputs;
                count += blocks * (mixer + (inputs * channels) + channels + (channels * (channels / GroupsOf(k))) + channels + head);
            }

            Int128 last = ChannelsOf(Blocks - 1);
            return count + (IsSelfSupervised ? (last * Projection) + Projection : 0) + (last * Classes) + Classes;
        }
    }

    /// <summary>True if the rows of one example, inputs included, and the parameters fit into arrays.</summary>
    internal bool FitsMemory =>
        BlockSizes.All(
            size => WidePatchesOf(size.Block) * Int128.Max(
                ChannelsOf(size.Block), size.Block == 0 ? WidePatchVector : 0) <= Array.MaxLength)
            && ParameterCount <= Array.MaxLength / 2;

    // Runs of blocks of the same size: the first block of a run, and the number of blocks. Without scaling there are two runs at most,
    // even if a damaged file claims billions of blocks.
    private IEnumerable<(int Block, int Count)> BlockSizes =>
        Downsample.Count + ChannelRatio.Count + GroupRatio.Count > 0 ? Enumerable.Range(0, Blocks).Select(k => (k, 1))
        : Blocks > 1 ? [(0, 1), (1, Blocks - 1)] : [(0, 1)];

    // A damaged file may claim sizes that overflow an int.
    private Int128 WidePatchVector => WidePatchSide * WidePatchSide * ImageChannels;

    private Int128 WidePatchSide => ((Int128)ImageSide + PatchesPerSide - 1) / PatchesPerSide;

    private Int128 WidePatchesOf(int block) => (Int128)PatchesPerSideOf(block) * PatchesPerSideOf(block);

    /// <summary>Checks all options.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message lists all faults.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Require(Blocks >= 1, $"blocks must be at least 1; got {Blocks}");
        Require(PatchesPerSide >= 1, $"patches per side must be at least 1; got {PatchesPerSide}");
        Require(Groups >= 1, $"groups must be at least 1; got {Groups}");
        Require(
            Groups < 1 || (Channels % Groups == 0 && Channels / Groups >= 2),
            $"channels ({Channels}) must be a multiple of groups ({Groups}) with at least 2 channels in each group");
        Require(KernelSide >= 1 && KernelSide % 2 == 1, $"the kernel side must be an odd number, 1 or more; got {KernelSide}");
        Require(ImageSide >= 1, $"the image side must be at least 1 pixel; got {ImageSide}");
        Require(ImageChannels >= 1, $"the image must have at least 1 channel; got {ImageChannels}");
        Require(Classes >= 2, $"there must be at least 2 classes; got {Classes}");
        Require(Epsilon is > 0 and < 1, $"epsilon must be above 0 and below 1; got {Epsilon}");
        Require(Projection is 0 or >= 2, $"a projection has at least 2 outputs, or is 0 for heads that classify; got {Projection}");
        Require(
            PatchesPerSide < 1 || ImageSide < 1 || ImageChannels < 1 || PatchVector >= 2,
            $"{PatchesPerSide} patches along a side of {ImageSide} pixels leave one number in a patch, which normalisation turns into 0; "
            + "take fewer patches or larger images");
        RequireFactors(Downsample, "downsampling", GridPooling.Window, $", or patches would be missed by a window of {GridPooling.Window}");
        RequireFactors(ChannelRatio, "channel ratio", LargestRatio, "");
        RequireFactors(GroupRatio, "group ratio", LargestRatio, "");
        if (faults.Count == 0)
        {
            RequireScaledSizes();
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException($"LocalMixer: {string.Join("; ", faults)}.");
        }

        void RequireFactors(IReadOnlyList<int> factors, string name, int largest, string reason)
        {
            Require(
                factors.Count == 0 || factors.Count == Blocks,
                $"the {name} has one number for each block, of which there are {Blocks}; got {factors.Count}");
            Require(
                factors.All(factor => factor >= 1 && factor <= largest),
                $"each {name} must be 1 to {largest}{reason}; got {string.Join(",", factors)}");
            Require(
                factors.Count == 0 || factors[^1] == 1,
                $"no block follows the last one, so its {name} must be 1; got {(factors.Count == 0 ? 1 : factors[^1])}");
        }

        void RequireScaledSizes()
        {
            long channels = Channels, groups = Groups;
            for (int k = 1; k < Math.Max(ChannelRatio.Count, GroupRatio.Count) && faults.Count == 0; k++)
            {
                channels *= ChannelRatio.Count == 0 ? 1 : ChannelRatio[k - 1];
                groups *= GroupRatio.Count == 0 ? 1 : GroupRatio[k - 1];
                if (channels > Array.MaxLength)
                {
                    faults.Add($"block {k} would have {channels} channels, more than fit memory");
                    return;
                }

                Require(
                    channels % groups == 0 && channels / groups >= 2,
                    $"the {channels} channels of block {k} must be a multiple of its {groups} groups "
                    + "with at least 2 channels in each group");
            }
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
