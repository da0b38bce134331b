using Onward.Engine;
using Onward.Formats;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// Learns images as they arrive, one or a few at a time, in constant memory. Classes may appear at any time. A bounded memory of past
/// examples is learned again beside the new ones, so that what was learned is not forgotten.
/// </summary>
/// <remarks>
/// The same calls with the same seed give the same bits, with any number of threads, and also if the learner was saved and loaded in
/// between. A call allocates nothing, except when a class appears. Not safe for use from several threads at once.
/// </remarks>
public sealed class StreamLearner
{
    private readonly StreamOptions _options;
    private readonly WorkerTeam _team;
    private readonly Func<LearningRule> _rule;
    private readonly List<string> _classes = [];
    private readonly float[] _pixels; // of a batch
    private readonly int[] _labels;
    private readonly uint[] _drawn;
    private readonly float[] _image;
    private TrainingStep _step;
    private ParameterUpdate _update;
    private Predictor _predictor;
    private float[] _outputs;
    private uint _number; // of the next step

    /// <summary>Starts with a network that knows no class yet.</summary>
    /// <param name="network">
    /// A network that classifies images, with initial weights. Its layers must be those of this library; it is built anew whenever a class
    /// appears.
    /// </param>
    /// <param name="options">The options.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="rule">
    /// Makes the learning rule, again whenever a class appears; null for LG-FG-A with noise on hidden layers, without learned feedback.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of range, or the network does not classify images.</exception>
    /// <exception cref="NotSupportedException">The network has a layer that no file can describe.</exception>
    public StreamLearner(Network network, StreamOptions options, WorkerTeam team, Func<LearningRule>? rule = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(team);
        options.Validate();
        if (network.IsSelfSupervised || network.Settings.PredictsNextToken)
        {
            throw new ArgumentException("A learner of streams takes a network that classifies images.", nameof(network));
        }

        (_options, _team) = (options, team);
        _rule = rule ?? (() => new ForwardGradient(
            NoiseDistribution.Gaussian, LossScope.All, passes: 1, options.Seed, sites: NoiseSites.Hidden));
        _ = StreamFile.WithClasses(network, network.Classes); // so that a network that cannot grow is refused now
        int length = network.Input.Length;
        _pixels = new float[checked(options.BatchSize * length)];
        _labels = new int[options.BatchSize];
        _drawn = new uint[options.BatchSize];
        _image = new float[length];
        Memory = new ExampleMemory(options.Capacity, length, options.Seed);
        (_step, _update, _predictor, _outputs) = Prepare(network);
    }

    /// <summary>The names of the classes, in the order in which they appeared.</summary>
    public IReadOnlyList<string> Classes => _classes;

    /// <summary>The network as it is now; another one after a class appeared.</summary>
    public Network Network => _step.Network;

    /// <summary>Number of examples in the memory.</summary>
    public int Remembered => Memory.Count;

    internal ExampleMemory Memory { get; }

    internal ParameterVector Velocity => _update.Velocity;

    internal StreamOptions Options => _options;

    internal uint Number => _number;

    internal string Description => _step.Description;

    /// <summary>Loads a learner, which goes on as if it had never been saved.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="rule">Makes the learning rule, of the settings that the saved learner had; null for the default.</param>
    /// <exception cref="ModelFileException">
    /// The file is missing, unreadable or damaged, or is not of a learner with this rule.
    /// </exception>
    public static StreamLearner Load(string path, WorkerTeam team, Func<LearningRule>? rule = null) => StreamFile.Load(path, team, rule);

    /// <summary>Saves the learner: the network, the state of its training, its options and its memory.</summary>
    /// <param name="path">The file to create or to replace. An existing file stays intact until the new one is complete.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public void Save(string path) => StreamFile.Save(this, path);

    /// <summary>Learns one image.</summary>
    /// <param name="image">Intensities 0 to 255. [row, column, channel]</param>
    /// <param name="label">The name of its class; a new name is a new class.</param>
    /// <exception cref="ArgumentException">The image has another size, or the name is empty.</exception>
    /// <exception cref="TrainingDivergedException">A loss is no longer a finite number. Take a lower learning rate.</exception>
    public void Learn(ReadOnlySpan<byte> image, string label) => Learn(image, [label]);

    /// <summary>Learns some images.</summary>
    /// <param name="images">Intensities 0 to 255. [example, row, column, channel]</param>
    /// <param name="labels">The name of each image's class; a new name is a new class. [example]</param>
    /// <exception cref="ArgumentException">The images have another size, or a name is empty. Nothing was learned.</exception>
    /// <exception cref="TrainingDivergedException">A loss is no longer a finite number. Take a lower learning rate.</exception>
    public void Learn(ReadOnlySpan<byte> images, ReadOnlySpan<string> labels)
    {
        int length = Network.Input.Length;
        if (images.Length != (long)labels.Length * length)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {Network.Input} have {(long)labels.Length * length} bytes; got {images.Length}.",
                nameof(images));
        }

        foreach (string label in labels)
        {
            ArgumentException.ThrowIfNullOrEmpty(label, nameof(labels));
        }

        AddClasses(labels);
        int most = Math.Max(1, _options.BatchSize / 4);
        for (int first = 0; first < labels.Length; first += most)
        {
            int count = Math.Min(most, labels.Length - first);
            for (int i = 0; i < count; i++)
            {
                _labels[i] = _classes.IndexOf(labels[first + i]);
                Standardise(images.Slice((first + i) * length, length), _pixels.AsSpan(i * length, length));
            }

            for (int step = 0; step < _options.Steps; step++)
            {
                Step(count);
            }

            for (int i = 0; i < count; i++)
            {
                Memory.Add(images.Slice((first + i) * length, length), _labels[i]);
            }
        }
    }

    /// <summary>Predicts the class of an image.</summary>
    /// <param name="image">Intensities 0 to 255. [row, column, channel]</param>
    /// <param name="probabilities">Receives the probability of each class. [class]</param>
    /// <returns>The number of the most probable class in <see cref="Classes"/>.</returns>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    /// <exception cref="InvalidOperationException">No class has been learned yet.</exception>
    public int Predict(ReadOnlySpan<byte> image, Span<float> probabilities)
    {
        if (_classes.Count == 0)
        {
            throw new InvalidOperationException("No class has been learned yet. Call Learn first.");
        }

        if (image.Length != _image.Length || probabilities.Length != _classes.Count)
        {
            throw new ArgumentException(
                $"An image has {_image.Length} bytes ({Network.Input}), and there are {_classes.Count} classes; "
                + $"got {image.Length} and room for {probabilities.Length}.");
        }

        Standardise(image, _image);
        Network.Pack(_team);
        _predictor.Predict(_image, _outputs);

        // A network has at least two classes, also if only one has appeared.
        float sum = 0;
        int best = 0;
        for (int k = 0; k < probabilities.Length; k++)
        {
            probabilities[k] = _outputs[k];
            sum += _outputs[k];
            best = _outputs[k] > _outputs[best] ? k : best;
        }

        foreach (ref float probability in probabilities)
        {
            probability /= sum;
        }

        return best;
    }

    /// <summary>Takes up the state of a saved learner.</summary>
    internal void Restore(IEnumerable<string> classes, ParameterVector velocity, uint number)
    {
        _classes.AddRange(classes);
        velocity.All.CopyTo(_update.Velocity.All);
        _number = number;
    }

    // One step on new examples, which lie in front, and on remembered ones.
    private void Step(int count)
    {
        int length = _image.Length, old = Memory.Count == 0 ? 0 : _options.BatchSize - count;
        Span<uint> drawn = _drawn.AsSpan(0, old);
        CounterRandom.Bits(new(_options.Seed, RandomPurpose.Shuffle, _number), 0, drawn);
        for (int i = 0; i < old; i++)
        {
            int place = ExampleMemory.Below(drawn[i], Memory.Count);
            _labels[count + i] = Memory.Labels[place];
            Standardise(Memory.Example(place), _pixels.AsSpan((count + i) * length, length));
        }

        int examples = count + old;
        StepResult result = _update.Step(
            _step, _pixels.AsMemory(0, examples * length), _labels.AsMemory(0, examples), _number++, _options.LearningRate);
        if (!result.IsFinite)
        {
            throw new TrainingDivergedException(
                "The loss is no longer a finite number. Load an earlier state, and take a lower learning rate.");
        }
    }

    private void AddClasses(ReadOnlySpan<string> labels)
    {
        foreach (string label in labels)
        {
            if (!_classes.Contains(label))
            {
                _classes.Add(label);
                Memory.AddClass();
            }
        }

        if (_classes.Count > Network.Classes)
        {
            Network grown = StreamFile.WithClasses(Network, _classes.Count);
            grown.Initialize(_options.Seed);
            CopyParts(Network.Values, grown.Values);
            ParameterVector velocity = _update.Velocity;
            (_step, _update, _predictor, _outputs) = Prepare(grown);
            CopyParts(velocity, _update.Velocity);
        }
    }

    private (TrainingStep Step, ParameterUpdate Update, Predictor Predictor, float[] Outputs) Prepare(Network network) => (
        new TrainingStep(network, _rule(), _team, seed: _options.Seed),
        new ParameterUpdate(network.Values.Layout, new Sgd(_options.Momentum, WeightDecay: 0), _team),
        new Predictor(network),
        new float[network.Classes]);

    // Numbers of the classes that both have; heads alone differ, in their last dimension.
    private static void CopyParts(ParameterVector from, ParameterVector to)
    {
        foreach ((Parameter old, Parameter grown) in from.Layout.Parameters.Zip(to.Layout.Parameters))
        {
            int oldRow = old.Shape[^1], row = grown.Shape[^1];
            for (int i = 0; i < old.Length / oldRow; i++)
            {
                from[old].Slice(i * oldRow, oldRow).CopyTo(to[grown].Slice(i * row, row));
            }
        }
    }

    private void Standardise(ReadOnlySpan<byte> source, Span<float> destination)
    {
        float scale = 1 / (255 * _options.StandardDeviation), shift = -_options.Mean / _options.StandardDeviation;
        for (int i = 0; i < source.Length; i++)
        {
            destination[i] = (source[i] * scale) + shift;
        }
    }
}
