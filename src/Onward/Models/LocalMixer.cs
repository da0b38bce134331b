using Onward.Kernels;
using Onward.Layers;
using Onward.Threads;

namespace Onward.Models;

/// <summary>
/// The network of the paper (section 5; spec 2): an MLP-Mixer whose channels fall into groups, one residual for each
/// block, and a linear head for the local loss at the end of each block. Predictions come from a readout on the last block.
/// </summary>
public sealed class LocalMixer
{
    private readonly (int Block, MixerLayer? Layer, LinearHead? Head, int Slice)[] _packing;
    private readonly Action<int, int> _pack;
    private Range _packed;

    /// <summary>Lays the network out; all parameters are 0 until <see cref="Initialize"/> or a file sets them.</summary>
    /// <param name="options">Its sizes.</param>
    /// <exception cref="ArgumentException">The sizes do not fit one another.</exception>
    public LocalMixer(LocalMixerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        ParameterLayout layout = new();
        List<MixerBlock> blocks = [];
        for (int k = 0; k < options.Blocks; k++)
        {
            blocks.Add(CreateBlock(options, k, blocks.Sum(block => block.Layers.Count), layout));
        }

        Blocks = blocks;
        Projector = options.IsSelfSupervised ? new LinearHead(blocks[^1].Channels, options.Projection, "projector", layout) : null;
        Readout = new LinearHead(blocks[^1].Channels, options.Classes, "readout", layout);
        Values = new ParameterVector(layout);
        _pack = PackSlice;
        _packing =
        [
            .. blocks.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, layer.Map.Slices).Select(
                        slice => (block.Index, (MixerLayer?)layer, (LinearHead?)null, slice)))),
            .. Heads.Select((head, i) => (Math.Min(i, blocks.Count - 1), (MixerLayer?)null, (LinearHead?)head, 0)),
        ];
    }

    /// <summary>The network's sizes.</summary>
    public LocalMixerOptions Options { get; }

    /// <summary>The blocks in order.</summary>
    public IReadOnlyList<MixerBlock> Blocks { get; }

    /// <summary>The classifier that predictions come from; it never trains the blocks (its input is detached).</summary>
    public LinearHead Readout { get; }

    /// <summary>Projects the last block's output in a self-supervised network; null in others.</summary>
    public LinearHead? Projector { get; }

    /// <summary>The head whose loss is that of the whole network: the projector where there is one, else the readout.</summary>
    public LinearHead FinalHead => Projector ?? Readout;

    /// <summary>The parameters.</summary>
    public ParameterVector Values { get; }

    /// <summary>The local heads in order, then the projector, if there is one, and the readout.</summary>
    public IEnumerable<LinearHead> Heads =>
        [.. Blocks.Select(block => block.Head), .. Projector is null ? [] : new[] { Projector }, Readout];

    /// <summary>
    /// Sets the initial weights: N(0, scale^2) with the scale of the chosen initialiser; biases and readout 0, local heads
    /// 0 or drawn, projections drawn (spec 2.7).
    /// </summary>
    /// <param name="seed">Names the draw.</param>
    public void Initialize(ulong seed)
    {
        Values.All.Clear();
        DrawWeights(Values, new RandomStream(seed, RandomPurpose.Initialization), heads: Options.IsSelfSupervised || !Options.ZeroHeads);
    }

    /// <summary>
    /// Fixed random matrices for feedback alignment, of the shapes and the scale of the initial weights; those of heads and
    /// readout, which start at 0, are drawn too.
    /// </summary>
    internal ParameterVector DrawFeedback(ulong seed)
    {
        ParameterVector feedback = new(Values.Layout);
        RandomStream stream = new(seed, RandomPurpose.Feedback);
        DrawWeights(feedback, stream, heads: true);
        Draw(feedback, stream, Readout.Weight, Readout.Features);
        return feedback;
    }

    /// <summary>Brings the weights into the form that the kernels read; to be called whenever <see cref="Values"/> changed.</summary>
    /// <param name="team">The threads that share the work.</param>
    public void Pack(WorkerTeam team) => Pack(team, ..Blocks.Count);

    /// <summary>The same for some of the blocks; projector and readout go with the last.</summary>
    internal void Pack(WorkerTeam team, Range blocks)
    {
        ArgumentNullException.ThrowIfNull(team);
        _packed = blocks;
        team.Run(_packing.Length, _pack);
    }

    /// <summary>The same for heads alone, where the layers are packed.</summary>
    internal void PackHeads(Range blocks)
    {
        _packed = blocks;
        for (int job = 0; job < _packing.Length; job++)
        {
            if (_packing[job].Head is not null)
            {
                PackSlice(job, 0);
            }
        }
    }

    /// <summary>
    /// Where the parameters of some of the blocks lie in a vector, local heads included, and with the last block projector and
    /// readout: one piece.
    /// </summary>
    internal Range ParametersOf(Range blocks) =>
        Blocks[blocks.Start.Value].Layers[0].Weight.Offset..(
            blocks.End.Value == Blocks.Count ? Values.Layout.Length : Blocks[blocks.End.Value].Layers[0].Weight.Offset);

    /// <summary>
    /// The features that the readout reads: output [examples, P, D] averaged over patches, normalised [examples, D], and r
    /// of that normalisation [examples].
    /// </summary>
    internal void PoolForReadout(ReadOnlySpan<float> output, Span<float> features, Span<float> reciprocal)
    {
        Blocks[^1].Pool(output, features);
        if (Options.Normalizations.HasFlag(Normalizations.Last))
        {
            LayerNorm.Normalize(features, features, reciprocal, Blocks[^1].Channels, Options.Epsilon);
        }
    }

    /// <summary>Whether what the final head reads is normalised: a projector reads the mean over patches as it is.</summary>
    internal bool NormalizesFinalFeatures => Projector is null && Options.Normalizations.HasFlag(Normalizations.Last);

    /// <summary>The features that the final head reads, as <see cref="PoolForReadout"/> leaves those of the readout.</summary>
    internal void PoolForFinalHead(ReadOnlySpan<float> output, Span<float> features, Span<float> reciprocal)
    {
        if (Projector is null)
        {
            PoolForReadout(output, features, reciprocal);
            return;
        }

        Blocks[^1].Pool(output, features);
    }

    /// <summary>The most floats that an example has in the input or the output of layer <paramref name="l"/> of any block.</summary>
    internal int LargestLayer(int l, Func<AffineLayer, int> width) =>
        Blocks.Where(block => l < block.Layers.Count).Max(block => checked(block.Patches * width(block.Layers[l].Map)));

    /// <summary>The most floats that an example has in the output of any block, or of any layer.</summary>
    internal int LargestOutput => Blocks.Max(block => checked(block.Patches * block.Channels));

    /// <summary>The most groups that an example has in any block, over all patches.</summary>
    internal int LargestGroups => Blocks.Max(block => checked(block.Patches * block.Groups));

    private void PackSlice(int job, int worker)
    {
        (int block, MixerLayer? layer, LinearHead? head, int slice) = _packing[job];
        if (block >= _packed.Start.Value && block < _packed.End.Value)
        {
            layer?.Pack(slice, Values);
            head?.Pack(Values);
        }
    }

    private void DrawWeights(ParameterVector target, RandomStream stream, bool heads)
    {
        foreach (MixerBlock block in Blocks)
        {
            foreach (MixerLayer layer in block.Layers)
            {
                Draw(target, stream, layer.Weight, layer.Map.FanIn);
            }

            if (heads)
            {
                Draw(target, stream, block.Head.Weight, block.Head.Features);
            }
        }

        if (Projector is not null)
        {
            Draw(target, stream, Projector.Weight, Projector.Features);
        }
    }

    private void Draw(ParameterVector target, RandomStream stream, Parameter parameter, int fanIn)
    {
        float scale = Options.Initializer switch
        {
            WeightInitializer.Kaiming => Math.Min(2 / MathF.Sqrt(fanIn), 0.1f),
            WeightInitializer.Lecun => Math.Min(1 / MathF.Sqrt(fanIn), 0.1f),
            _ => 0.1f,
        };
        Span<float> values = target[parameter];
        CounterRandom.Normals(stream with { Example = (uint)parameter.Offset }, 0, values);
        System.Numerics.Tensors.TensorPrimitives.Multiply(values, scale, values);
    }

    private static MixerBlock CreateBlock(LocalMixerOptions options, int index, int firstLayer, ParameterLayout layout)
    {
        int inputs = index == 0 ? options.PatchVector : options.ChannelsOf(index - 1);
        int channels = options.ChannelsOf(index), groups = options.GroupsOf(index), size = channels / groups;
        string name = $"blocks.{index}";
        List<MixerLayer> layers = [];
        if (index > 0)
        {
            // Noise enters after this layer's normalisation, and the channel layer takes it to all groups of its patch.
            (string kind, AffineLayer patches) = options.TokenMixer == TokenMixer.Matrix
                ? ("token", (AffineLayer)new TokenMixing(options.PatchesOf(index), inputs))
                : ("conv", new DepthwiseConvolution(options.PatchesPerSideOf(index), options.KernelSide, inputs));
            Add(kind, patches, Normalizations.Begin, inputs, inputs, reachesAllGroups: true);
        }

        Add("channel", new Linear(inputs, channels), index == 0 ? Normalizations.Begin : Normalizations.Middle, inputs, channels);
        Add("group", new GroupedLinear(groups, size), Normalizations.Middle, size, size);
        return new MixerBlock(options, index, layers, new LinearHead(channels, options.HeadOutputs, $"{name}.head", layout));

        void Add(string kind, AffineLayer map, Normalizations before, int inputNorm, int outputNorm, bool reachesAllGroups = false) =>
            layers.Add(new MixerLayer(
            map,
            $"{name}.{kind}",
            firstLayer + layers.Count,
            options.Normalizations.HasFlag(before) ? inputNorm : 0,
            options.Normalizations.HasFlag(Normalizations.PostLinear) ? outputNorm : 0,
            reachesAllGroups,
            layout));
    }
}
