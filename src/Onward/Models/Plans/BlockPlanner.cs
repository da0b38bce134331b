using Onward.Layers;

namespace Onward.Models;

/// <summary>Makes the plan of a block from its description.</summary>
/// <remarks>
/// The layers become a chain of nodes, and the values between them are numbered. A value is kept if a product or a residual reads it, or
/// if a derivative is computed from it. Every other value is overwritten by the next one, in the same slot.
/// </remarks>
internal sealed class BlockPlanner
{
    private readonly int _firstOwn;
    private readonly Func<AffineLayer, int, ExampleShape, NetworkLayer> _create;
    private readonly List<Node> _nodes = [];
    private readonly List<ExampleShape> _values = []; // the shape of each value
    private readonly List<NetworkLayer> _layers = [];
    private readonly List<int> _residuals = []; // the value that each residual begins with

    private BlockPlanner(ExampleShape input, int mostLayers, Func<AffineLayer, int, ExampleShape, NetworkLayer> create)
    {
        (_firstOwn, _create) = (BlockActivations.FirstOwn(mostLayers), create);
        _values.Add(input);
    }

    private enum Kind
    {
        Affine,
        Example,
        Reshape,
        Row,
        Keep,
        Add,
        Site,
        Copy,
    }

    /// <summary>Makes a plan.</summary>
    /// <param name="block">The description.</param>
    /// <param name="input">The shape of the block's input.</param>
    /// <param name="mostLayers">The largest number of affine layers of any block of the network.</param>
    /// <param name="create">Creates an affine layer from its map, its number in the block, and the shape of its input.</param>
    /// <exception cref="ArgumentException">A layer does not take the output of the layer before it.</exception>
    internal static BlockPlan Plan(
        Block block, ExampleShape input, int mostLayers, Func<AffineLayer, int, ExampleShape, NetworkLayer> create)
    {
        BlockPlanner planner = new(input, mostLayers, create);
        planner.Append(block.Layers);
        planner.CopyInput();
        planner.PlaceSites();
        return planner.Complete();
    }

    /// <summary>Counts the affine layers in a list of layers and in the residuals among them.</summary>
    internal static int AffineLayersIn(IEnumerable<Layer> layers) =>
        layers.Sum(layer => layer is Residual residual ? AffineLayersIn(residual.Layers) : layer is AffineLayer ? 1 : 0);

    private ExampleShape Shape => _values[^1];

    private void Append(IReadOnlyList<Layer> layers)
    {
        foreach (Layer layer in layers)
        {
            int current = _values.Count - 1;
            ExampleShape output = layer.OutputOf(Shape);
            switch (layer)
            {
                case Residual residual:
                    int number = _residuals.Count;
                    _residuals.Add(current);
                    _nodes.Add(new(Kind.Keep, null, current, current) { Residual = number });
                    Append(residual.Layers);
                    Add(Kind.Add, null, output, residual: number);
                    break;
                case AffineLayer map:
                    _layers.Add(_create(map.At(Shape), _layers.Count, Shape));
                    Add(Kind.Affine, layer, output);
                    break;
                case Flatten:
                    Add(Kind.Reshape, layer, output);
                    break;
                default:
                    Add(layer is ExampleLayer ? Kind.Example : Kind.Row, layer, output);
                    break;
            }
        }
    }

    private void Add(Kind kind, Layer? layer, ExampleShape output, int residual = -1)
    {
        _values.Add(output);
        _nodes.Add(new(kind, layer, _values.Count - 2, _values.Count - 1) { Residual = residual });
    }

    // The wave keeps the inputs of affine layers, and the block's input is elsewhere.
    private void CopyInput()
    {
        int first = _nodes.FindIndex(node => node.Kind is not (Kind.Reshape or Kind.Keep));
        if (first < 0 || _nodes[first].Kind != Kind.Affine)
        {
            return;
        }

        int value = _nodes[first].Input;
        _values.Insert(value + 1, _values[value]);
        for (int i = 0; i < _nodes.Count; i++)
        {
            int shift = i >= first ? 1 : 0;
            _nodes[i] = _nodes[i] with { Input = _nodes[i].Input + shift, Output = _nodes[i].Output + shift };
        }

        for (int i = 0; i < _residuals.Count; i++)
        {
            _residuals[i] += _residuals[i] > value ? 1 : 0;
        }

        _nodes.Insert(first, new(Kind.Copy, null, value, value + 1));
    }

    // Noise enters behind an affine layer and its normalisations; behind the end of a residual, if a ReLU follows there, so that the ReLU
    // masks it.
    private void PlaceSites()
    {
        for (int i = 0, place = 0; i < _nodes.Count; i++)
        {
            if (_nodes[i].Kind != Kind.Affine)
            {
                continue;
            }

            int site = i + 1;
            while (site < _nodes.Count && _nodes[site] is { Kind: Kind.Row, Layer: RowLayer { IsNormalization: true } })
            {
                site++;
            }

            int relu = site;
            while (relu < _nodes.Count && _nodes[relu].Kind == Kind.Add)
            {
                relu++;
            }

            bool masked = relu < _nodes.Count && _nodes[relu].Layer is Relu;
            int at = masked ? relu : site;
            if (masked)
            {
                _nodes[relu] = _nodes[relu] with { IsMaskOfNoise = true };
            }

            int value = at < _nodes.Count ? _nodes[at].Input : _values.Count - 1;
            _nodes.Insert(at, new(Kind.Site, null, value, value) { Place = place++ });
        }
    }

    private BlockPlan Complete()
    {
        (bool[] kept, int[] sources) = KeptValues();
        List<int> own = [];
        int[] slots = Slots(kept, own);
        List<int> states = [];
        List<Section> sections = [];
        for (int i = 0; i < _nodes.Count;)
        {
            int end = i + 1;
            while (end < _nodes.Count && _nodes[end].Kind is not (Kind.Affine or Kind.Example or Kind.Reshape))
            {
                end++;
            }

            sections.Add(SectionOf(i, end, slots, sources, states, sections));
            i = end;
        }

        return new BlockPlan
        {
            Sections = [.. sections],
            Layers = [.. _layers],
            OwnLengths = [.. own],
            StateLengths = [.. states],
            ResidualLengths = [.. _residuals.Select(value => _values[value].Length)],
            Output = Shape,
        };
    }

    // The values that must stay, and the value that each row layer computes its derivative from.
    private (bool[] Kept, int[] Sources) KeptValues()
    {
        bool[] kept = new bool[_values.Count];
        kept[0] = kept[^1] = true;
        int[] sources = new int[_nodes.Count];
        foreach (Node node in _nodes)
        {
            if (node.Kind is Kind.Affine or Kind.Example)
            {
                kept[node.Input] = true;
            }
        }

        foreach (int value in _residuals)
        {
            kept[value] = true;
        }

        foreach (bool either in new[] { false, true })
        {
            for (int i = 0; i < _nodes.Count; i++)
            {
                if (_nodes[i].Layer is RowLayer row && (row.DerivativeSource == DerivativeSource.Either) == either)
                {
                    bool input = either ? kept[_nodes[i].Input] : row.DerivativeSource == DerivativeSource.Input;
                    sources[i] = input ? _nodes[i].Input : _nodes[i].Output;
                    kept[sources[i]] = true;
                }
            }
        }

        // A reshaped value lies where the value before it lies.
        foreach (Node node in _nodes)
        {
            if (node.Kind == Kind.Reshape)
            {
                kept[node.Output] |= kept[node.Input];
            }
        }

        return (kept, sources);
    }

    // From the last value to the first, because a value that does not stay lies where the next one will be.
    private int[] Slots(bool[] kept, List<int> own)
    {
        int[] slots = new int[_values.Count];
        Dictionary<int, int> inputs = [];
        foreach (Node node in _nodes)
        {
            if (node.Kind == Kind.Affine)
            {
                inputs[node.Input] = BlockActivations.FirstInput + inputs.Count;
            }
        }

        HashSet<int> reshaped = [.. _nodes.Where(node => node.Kind == Kind.Reshape).Select(node => node.Input)];
        int fromInput = 0;
        while (reshaped.Contains(fromInput))
        {
            fromInput++;
        }

        for (int value = _values.Count - 1; value > fromInput; value--)
        {
            if (value == _values.Count - 1)
            {
                slots[value] = BlockActivations.OutputSlot;
            }
            else if (reshaped.Contains(value))
            {
                slots[value] = slots[value + 1];
            }
            else if (inputs.TryGetValue(value, out int input))
            {
                slots[value] = input;
            }
            else if (!kept[value])
            {
                slots[value] = slots[value + 1];
            }
            else
            {
                slots[value] = _firstOwn + own.Count;
                own.Add(_values[value].Length);
            }
        }

        return slots;
    }

    private Section SectionOf(int first, int end, int[] slots, int[] sources, List<int> states, List<Section> before)
    {
        Node head = _nodes[first];
        bool isProduct = head.Kind is Kind.Affine or Kind.Example or Kind.Reshape;
        ExampleShape shape = _values[isProduct ? head.Output : head.Input];
        NetworkLayer? layer = head.Kind == Kind.Affine ? _layers[before.Count(section => section.Layer is not null)] : null;
        ExampleLayer? example = head.Layer as ExampleLayer;
        int state = example?.StateOf(_values[head.Input]) ?? 0;
        if (state > 0)
        {
            states.Add(state);
        }

        int exampleState = state > 0 ? states.Count - 1 : -1;
        List<Step> steps = [];
        for (int i = isProduct ? first + 1 : first; i < end; i++)
        {
            steps.Add(StepOf(i, shape.Channels, slots, sources, states));
        }

        SectionSteps parts = new(layer, steps);
        return new Section(
            layer,
            example,
            slots[head.Input],
            slots[isProduct ? head.Output : head.Input],
            _values[head.Input],
            shape)
        {
            ExampleState = exampleState,
            Place = before.Count,
            Steps = [.. steps],
            EndsResidual = steps.Any(step => step is AddStep),
            Values = parts.Values(),
            Backward = parts.Backward(out int toSite),
            BackwardToSite = toSite,
            BackwardFromSite = parts.BackwardFromSite(),
        };
    }

    private Step StepOf(int i, int channels, int[] slots, int[] sources, List<int> states)
    {
        Node node = _nodes[i];
        int input = slots[node.Input], output = slots[node.Output];
        switch (node.Kind)
        {
            case Kind.Row:
                RowLayer layer = (RowLayer)node.Layer!;
                int state = layer.StateOf(channels);
                if (state > 0)
                {
                    states.Add(_values[node.Input].Positions * state);
                }

                if (layer is Dropout dropout)
                {
                    int number = _nodes.Take(i).Count(before => before.Layer is Dropout);
                    return new DropoutStep(
                        dropout, number, _values[node.Input].Positions, input, output, slots[sources[i]], states.Count - 1, channels);
                }

                return new RowStep(layer, input, output, slots[sources[i]], state > 0 ? states.Count - 1 : -1, channels)
                {
                    IsMaskOfNoise = node.IsMaskOfNoise,
                };
            case Kind.Keep:
                return new KeepStep(node.Residual, input, channels);
            case Kind.Add:
                int kept = _residuals[node.Residual];
                return new AddStep(node.Residual, input, output, slots[kept], channels, _values[kept].Channels);
            case Kind.Site:
                bool masked = i + 1 < _nodes.Count && _nodes[i + 1].IsMaskOfNoise;
                return new SiteStep(_layers[node.Place], masked ? slots[sources[i + 1]] : -1, input, channels);
            default:
                return new CopyStep(input, output, channels);
        }
    }

    /// <summary>A layer of the chain, between two values.</summary>
    private readonly record struct Node(Kind Kind, Layer? Layer, int Input, int Output)
    {
        internal int Residual { get; init; }

        internal int Place { get; init; }

        internal bool IsMaskOfNoise { get; init; }
    }
}
