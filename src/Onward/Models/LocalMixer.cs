using Onward.Kernels;
using Onward.Layers;
using Onward.Threads;

namespace Onward.Models;

/// <summary>
/// The network of the paper (section 5): an MLP-Mixer whose channels are divided into groups, with one residual for each
/// block, and a linear head for the local loss at the end of each block. A readout on the last block makes the predictions.
/// </summary>
public sealed class LocalMixer
{
    private readonly (int Block, MixerLayer? Layer, LinearHead? Head, int Slice)[] _packing;
    private readonly Action<int, int> _pack;
    private (int First, int End) _packed; // blocks
    private long _packedVersion = -1; // of the values; -1 if nothing is packed

    /// <summary>Creates a network whose parameters are all 0 until <see cref="Initialize"/> or a file sets them.</summary>
    /// <param name="options">The sizes of the network.</param>
    /// <exception cref="ArgumentException">A size is out of range, or the sizes do not fit one another.</exception>
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

    /// <summary>The classifier that makes the predictions. In a self-supervised network, its loss does not train the blocks.</summary>
    public LinearHead Readout { get; }

    /// <summary>The head that computes embeddings from the last block's output; null if the network is not self-supervised.</summary>
    public LinearHead? Projector { get; }

    /// <summary>The head of the network's global loss: the projector in a self-supervised network, else the readout.</summary>
    public LinearHead FinalHead => Projector ?? Readout;

    /// <summary>The parameters.</summary>
    public ParameterVector Values { get; }

    /// <summary>The local heads in order, then the projector, if there is one, and the readout.</summary>
    public IEnumerable<LinearHead> Heads =>
        [.. Blocks.Select(block => block.Head), .. Projector is null ? [] : new[] { Projector }, Readout];

    /// <summary>
    /// Sets the initial weights, drawn from N(0, scale^2) with the scale of the chosen initialiser (paper's code). Biases and readout start
    /// at
    /// 0. Local heads start at 0 or are drawn; heads that compute embeddings are always drawn.
    /// </summary>
    /// <param name="seed">The seed of the draw.</param>
    public void Initialize(ulong seed)
    {
        foreach (Parameter parameter in Values.Layout.Parameters)
        {
            Values.Update(parameter).Clear();
        }

        DrawWeights(Values, new RandomStream(seed, RandomPurpose.Initialization), heads: Options.IsSelfSupervised || !Options.ZeroHeads);
        Values.MarkChanged();
    }

    /// <summary>
    /// Draws fixed random matrices for feedback alignment, with the shapes and the scale of the initial weights. The matrices of heads
    /// and readout are drawn too, though their weights start at 0.
    /// </summary>
    internal ParameterVector DrawFeedback(ulong seed)
    {
        ParameterVector feedback = new(Values.Layout);
        RandomStream stream = new(seed, RandomPurpose.Feedback);
        DrawWeights(feedback, stream, heads: true);
        Draw(feedback, stream, Readout.Weight, Readout.Features);
        return feedback;
    }

    /// <summary>
    /// Packs the weights into the form that the kernels read. Call it before using the model after <see cref="Values"/>
    /// changed; it does nothing if the packed weights are certainly current.
    /// </summary>
    /// <param name="team">The threads that share the work.</param>
    public void Pack(WorkerTeam team) => Pack(team, ..Blocks.Count);

    /// <summary>Packs the weights of some blocks; projector and readout belong to the last block.</summary>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="blocks">The blocks.</param>
    /// <returns>False if the packed weights were current.</returns>
    internal bool Pack(WorkerTeam team, Range blocks)
    {
        ArgumentNullException.ThrowIfNull(team);
        (int first, int end) = (blocks.Start.Value, blocks.End.Value);
        if (Values.IsAt(_packedVersion) && _packed.First <= first && end <= _packed.End)
        {
            return false;
        }

        _packedVersion = -1;
        _packed = (first, end);
        team.Run(_packing.Length, _pack);
        MarkPacked();
        return true;
    }

    /// <summary>Declares that the weights of the packed blocks have been packed since the last change of <see cref="Values"/>.</summary>
    internal void MarkPacked() => _packedVersion = Values.Version;

    /// <summary>
    /// The range of a parameter vector that holds some blocks, with their local heads. Projector and readout belong to the last block.
    /// </summary>
    internal Range ParametersOf(Range blocks) =>
        Blocks[blocks.Start.Value].Layers[0].Weight.Offset..(
            blocks.End.Value == Blocks.Count ? Values.Layout.Length : Blocks[blocks.End.Value].Layers[0].Weight.Offset);

    /// <summary>
    /// Computes the features of the readout [examples, D]: the output [examples, P, D], averaged over patches and normalised; and r of
    /// that normalisation [examples].
    /// </summary>
    internal void PoolForReadout(ReadOnlySpan<float> output, Span<float> features, Span<float> reciprocal)
    {
        Blocks[^1].Pool(output, features);
        if (Options.Normalizations.HasFlag(Normalizations.Last))
        {
            LayerNorm.Normalize(features, features, reciprocal, Blocks[^1].Channels, Options.Epsilon);
        }
    }

    /// <summary>
    /// True if the features of the final head are normalised. A projector reads the mean over patches without normalisation.
    /// </summary>
    internal bool NormalizesFinalFeatures => Projector is null && Options.Normalizations.HasFlag(Normalizations.Last);

    /// <summary>Computes the features of the final head, as <see cref="PoolForReadout"/> does for the readout.</summary>
    internal void PoolForFinalHead(ReadOnlySpan<float> output, Span<float> features, Span<float> reciprocal)
    {
        if (Projector is null)
        {
            PoolForReadout(output, features, reciprocal);
            return;
        }

        Blocks[^1].Pool(output, features);
    }

    /// <summary>The largest number of floats of an example in the input or the output of layer <paramref name="l"/> of any block.</summary>
    internal int LargestLayer(int l, Func<AffineLayer, int> width) =>
        Blocks.Where(block => l < block.Layers.Count).Max(block => checked(block.Patches * width(block.Layers[l].Map)));

    /// <summary>The largest number of floats of an example in the output of any block or layer.</summary>
    internal int LargestOutput => Blocks.Max(block => checked(block.Patches * block.Channels));

    /// <summary>The largest number of groups of an example in any block, over all patches.</summary>
    internal int LargestGroups => Blocks.Max(block => checked(block.Patches * block.Groups));

    private void PackSlice(int job, int worker)
    {
        (int block, MixerLayer? layer, LinearHead? head, int slice) = _packing[job];
        if (block >= _packed.First && block < _packed.End)
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
        Span<float> values = target.Update(parameter);
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
            // Noise enters after this layer's normalisation, and the channel layer spreads it to all groups of its patch.
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
