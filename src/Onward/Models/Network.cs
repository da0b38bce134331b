using Onward.Kernels;
using Onward.Layers;
using Onward.Threads;

namespace Onward.Models;

/// <summary>
/// A network of blocks. Each block has a linear head for a local loss, and a readout on the last block makes the predictions. Every
/// learning rule trains every network.
/// </summary>
/// <remarks>The paper's network is <see cref="LocalMixer"/>.</remarks>
public sealed class Network
{
    private readonly (int Block, NetworkLayer? Layer, LinearHead? Head, int Slice)[] _packing;
    private readonly Action<int, int> _pack;
    private (int First, int End) _packed; // blocks
    private long _packedVersion = -1; // of the values; -1 if nothing is packed

    /// <summary>Creates a network whose parameters are all 0 until <see cref="Initialize"/> or a file sets them.</summary>
    /// <param name="input">The shape of an example.</param>
    /// <param name="blocks">The blocks, at least one.</param>
    /// <param name="classes">Classes of the readout; at least 2.</param>
    /// <param name="settings">The heads and the initial weights; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// A layer does not take the output of the layer before it, or a size is out of range. The message names the block and the layer.
    /// </exception>
    public Network(ExampleShape input, IReadOnlyList<Block> blocks, int classes, NetworkSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentOutOfRangeException.ThrowIfZero(blocks.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (input.Height < 1 || input.Width < 1 || input.Channels < 1)
        {
            throw new ArgumentException($"An input has at least one position and one channel; got {input}.", nameof(input));
        }

        (Input, Classes, Settings) = (input, classes, settings ?? new());
        Settings.Validate();
        MostLayers = blocks.Max(block => BlockPlanner.AffineLayersIn(block.Layers));
        ParameterLayout layout = new();
        List<NetworkBlock> built = [];
        foreach (Block block in blocks)
        {
            built.Add(Build(block, built, layout));
        }

        Blocks = built;
        MostPositions = built.Max(block => block.Patches);
        MostRows = built.Max(block => Math.Max(block.Patches, block.Layers.Max(layer => layer.Positions)));
        Projector = IsSelfSupervised ? new LinearHead(built[^1].Channels, Projection, "projector", layout) : null;
        Readout = new LinearHead(built[^1].Channels, classes, "readout", layout);
        Heads = [.. built.Select(block => block.Head), .. Projector is null ? [] : new[] { Projector }, Readout];
        Values = new ParameterVector(layout);
        _pack = PackSlice;
        _packing =
        [
            .. built.SelectMany(
                block => block.Layers.SelectMany(
                    layer => Enumerable.Range(0, layer.Map.Slices).Select(
                        slice => (block.Index, (NetworkLayer?)layer, (LinearHead?)null, slice)))),
            .. Heads.Select((head, i) => (Math.Min(i, built.Count - 1), (NetworkLayer?)null, (LinearHead?)head, 0)),
        ];
    }

    /// <summary>The shape of an example.</summary>
    public ExampleShape Input { get; }

    /// <summary>The blocks in order.</summary>
    public IReadOnlyList<NetworkBlock> Blocks { get; }

    /// <summary>Classes of the readout, K.</summary>
    public int Classes { get; }

    /// <summary>The heads and the initial weights.</summary>
    public NetworkSettings Settings { get; }

    /// <summary>The options of a LocalMixer; null for other networks.</summary>
    public LocalMixerOptions? Mixer { get; internal init; }

    /// <summary>Coordinates of the embeddings by which a self-supervised network compares examples; 0 if the heads classify.</summary>
    public int Projection => Settings.Projection;

    /// <summary>True if the network learns without labels: its heads compute embeddings instead of logits.</summary>
    public bool IsSelfSupervised => Projection > 0;

    /// <summary>True if the input holds indices, because the network begins with an <see cref="Embedding"/>.</summary>
    public bool TakesIndices => Blocks[0].Layers[0].Map.TakesIndices;

    /// <summary>True if training drops numbers at random.</summary>
    internal bool HasDropout => Blocks.Any(block => block.Plan.HasDropout);

    /// <summary>
    /// Rows of an example that a head reads, with a label for each: every position if the network predicts tokens, else 1, the mean over
    /// positions.
    /// </summary>
    public int HeadRows => Settings.PredictsNextToken ? Input.Positions : 1;

    /// <summary>Outputs of each local head.</summary>
    public int HeadOutputs => IsSelfSupervised ? Projection : Classes;

    /// <summary>The classifier that makes the predictions. In a self-supervised network, its loss does not train the blocks.</summary>
    public LinearHead Readout { get; }

    /// <summary>The head that computes embeddings from the last block's output; null if the network is not self-supervised.</summary>
    public LinearHead? Projector { get; }

    /// <summary>The head of the network's global loss: the projector in a self-supervised network, else the readout.</summary>
    public LinearHead FinalHead => Projector ?? Readout;

    /// <summary>Local losses that train the blocks: one for each block, position and group.</summary>
    public long LocalLosses => Blocks.Sum(block => (long)block.Patches * block.Groups);

    /// <summary>The parameters.</summary>
    public ParameterVector Values { get; }

    /// <summary>The local heads in order, then the projector, if there is one, and the readout.</summary>
    public IReadOnlyList<LinearHead> Heads { get; }

    /// <summary>Allocates memory for the values of a tile in any block.</summary>
    /// <param name="examples">Examples that the tile may hold.</param>
    internal BlockActivations CreateActivations(int examples)
    {
        return new(
            new(
                MostLayers,
                Largest(plan => plan.OwnLengths),
                Largest(plan => plan.StateLengths),
                LargestOutput,
                Blocks.Max(block => block.FeatureNorm == 0 ? 0 : block.Output.Length / block.FeatureNorm),
                HeadRows * Blocks.Max(block => block.Channels),
                Blocks.Max(block => block.Plan.Sections.Max(section => section.WorkspaceLength))),
            examples);

        int[] Largest(Func<BlockPlan, int[]> lengths) =>
        [
            .. Enumerable.Range(0, Blocks.Max(block => lengths(block.Plan).Length))
                .Select(i => Blocks.Max(block => lengths(block.Plan).ElementAtOrDefault(i))),
        ];
    }

    /// <summary>Creates a network of the same layers, whose parameters are all 0.</summary>
    internal Network WithoutValues() =>
        new(Input, [.. Blocks.Select(block => block.Description)], Classes, Settings) { Mixer = Mixer };

    /// <summary>
    /// Sets the initial weights, drawn from N(0, scale^2) with the scale of the chosen initialiser (paper's code). Biases and readout start
    /// at 0. Local heads start at 0 or are drawn; heads that compute embeddings are always drawn.
    /// </summary>
    /// <param name="seed">The seed of the draw.</param>
    public void Initialize(ulong seed)
    {
        foreach (Parameter parameter in Values.Layout.Parameters)
        {
            Values.Update(parameter).Clear();
        }

        DrawWeights(Values, new RandomStream(seed, RandomPurpose.Initialization), heads: IsSelfSupervised || !Settings.ZeroHeads);
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
    /// Packs the weights into the form that the kernels read. Call it before using the network after <see cref="Values"/>
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
        Blocks[blocks.Start.Value].FirstParameter.Offset..(
            blocks.End.Value == Blocks.Count ? Values.Layout.Length : Blocks[blocks.End.Value].FirstParameter.Offset);

    /// <summary>
    /// Computes the features of the readout [examples, D]: the output [examples, P, D], averaged over positions and normalised; and r of
    /// that normalisation [examples]. A network that predicts tokens averages nothing: a row is a position.
    /// </summary>
    internal void PoolForReadout(ReadOnlySpan<float> output, Span<float> features, Span<float> reciprocal)
    {
        Blocks[^1].Pool(output, features);
        if (Settings.NormalizesReadout)
        {
            LayerNormKernel.Normalize(features, features, reciprocal, Blocks[^1].Channels, Settings.Epsilon);
        }
    }

    /// <summary>
    /// True if the features of the final head are normalised. A projector reads the mean over positions without normalisation.
    /// </summary>
    internal bool NormalizesFinalFeatures => Projector is null && Settings.NormalizesReadout;

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

    /// <summary>The largest number of affine layers of any block.</summary>
    internal int MostLayers { get; }

    /// <summary>The largest number of positions of an example in the output of any block.</summary>
    public int MostPositions { get; }

    /// <summary>The largest number of positions of an example in the output of any layer or block, which sizes tiles and waves.</summary>
    internal int MostRows { get; }

    /// <summary>The largest number of floats of an example in the input of layer <paramref name="l"/> of any block.</summary>
    internal int LargestInput(int l) => Largest(l, layer => checked(layer.InputPositions * layer.Map.Inputs));

    /// <summary>The largest number of floats of an example in the output of layer <paramref name="l"/> of any block.</summary>
    internal int LargestProduct(int l) => Largest(l, layer => checked(layer.Positions * layer.Map.Outputs));

    /// <summary>The largest number of floats of an example in the output of any block.</summary>
    internal int LargestOutput => Blocks.Max(block => block.Output.Length);

    /// <summary>
    /// The largest number of floats of an example that a tangent has anywhere: in the output of a section, except sections in front of the
    /// first affine layer of the network. The input of a block is such an output too, except the images.
    /// </summary>
    internal int LargestTangent => Blocks.Max(
        block => block.Plan.Sections.Skip(block.Index == 0 ? block.Plan.FirstAffine : 0).Max(section => section.Shape.Length));

    /// <summary>The largest number of groups of an example in any block, over all positions.</summary>
    internal int LargestGroups => Blocks.Max(block => checked(block.Patches * block.Groups));

    private int Largest(int l, Func<NetworkLayer, int> length) =>
        Blocks.Where(block => l < block.Layers.Count).Max(block => length(block.Layers[l]));

    private NetworkBlock Build(Block block, List<NetworkBlock> before, ParameterLayout layout)
    {
        int index = before.Count, firstLayer = before.Sum(other => other.Layers.Count);
        string name = $"blocks.{index}";
        ExampleShape input = index == 0 ? Input : before[^1].Output;
        HashSet<string> names = [];
        NetworkBlock built;
        try
        {
            BlockPlan plan = BlockPlanner.Plan(
                block,
                input,
                MostLayers,
                (map, place, shape) =>
                    new NetworkLayer(map, $"{name}.{NameOf(map, place)}", firstLayer + place, place, shape, layout));
            Require(plan.Layers.Length > 0, "it has no layer with parameters, so nothing can learn from its loss");
            NetworkLayer? lookUp = Array.Find(plan.Layers, layer => layer.Map.TakesIndices && !(index == 0 && layer.Place == 0));
            Require(
                lookUp is null && (!plan.Layers[0].Map.TakesIndices || block.Layers[0] is AffineLayer),
                $"{lookUp?.Map ?? plan.Layers[0].Map} reads indices, which have no derivative, "
                    + "so it can only be the first layer of a network");
            Require(
                block.Groups >= 1 && plan.Output.Channels % block.Groups == 0,
                $"its output of {plan.Output.Channels} channels is not divided by {block.Groups} groups");
            Require(
                block.FeatureNorm is null || plan.Output.Channels % block.FeatureNorm.Size == 0,
                $"its output of {plan.Output.Channels} channels is not divided by the feature normalisation of {block.FeatureNorm?.Size}");
            LinearHead head = new(plan.Output.Channels, HeadOutputs, $"{name}.head", layout);
            built = new NetworkBlock(block, index, input, plan, head, HeadRows);
            RequireCausal(built);
        }
        catch (ArgumentException fault)
        {
            throw new ArgumentException($"Block {index}: {fault.Message}", nameof(block), fault);
        }

        return built;

        void RequireCausal(NetworkBlock built)
        {
            bool keepsPositions = Array.TrueForAll(
                built.Plan.Sections, section => (section.Shape.Height, section.Shape.Width) == (Input.Positions, 1));
            Require(
                !Settings.PredictsNextToken || keepsPositions,
                $"a network that predicts the next token at each position keeps its {Input.Positions} x 1 positions");
            Require(
                !Settings.PredictsNextToken || built.IsCausal,
                "a position reads later ones, and with them the token that it predicts; "
                    + "attention must be causal, and no other layer may mix positions");
        }

        string NameOf(AffineLayer map, int place)
        {
            string chosen = map.Name ?? $"{map.GetType().Name}{place}".ToLowerInvariant();
            Require(names.Add(chosen) && chosen is not ("" or "head"), $"two layers have the name '{chosen}', or it is taken");
            return chosen;
        }

        static void Require(bool holds, string fault)
        {
            if (!holds)
            {
                throw new ArgumentException(fault + ".");
            }
        }
    }

    private void PackSlice(int job, int worker)
    {
        (int block, NetworkLayer? layer, LinearHead? head, int slice) = _packing[job];
        if (block >= _packed.First && block < _packed.End)
        {
            layer?.Pack(slice, Values);
            head?.Pack(Values);
        }
    }

    private void DrawWeights(ParameterVector target, RandomStream stream, bool heads)
    {
        foreach (NetworkBlock block in Blocks)
        {
            foreach (NetworkLayer layer in block.Layers)
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
        float scale = Settings.ScaleOf(fanIn);
        Span<float> values = target.Update(parameter);
        CounterRandom.Normals(stream with { Example = (uint)parameter.Offset }, 0, values);
        System.Numerics.Tensors.TensorPrimitives.Multiply(values, scale, values);
    }
}
