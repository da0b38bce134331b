using System.Numerics.Tensors;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>Lets a network that predicts characters write a text: draws one character after another, each given those before it.</summary>
public sealed class TextSampler
{
    private readonly Vocabulary _vocabulary;
    private readonly Predictor _predictor;
    private readonly float[] _window;
    private readonly float[] _probabilities; // [position, character]

    /// <summary>Prepares a network; its weights are packed.</summary>
    /// <param name="network">A network that predicts the next token at each position.</param>
    /// <param name="characters">The character of each token (<see cref="ImageDataset.ClassNames"/>).</param>
    /// <exception cref="ArgumentException">The network predicts no tokens, or as many as there are characters.</exception>
    public TextSampler(Network network, IReadOnlyList<string> characters)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(characters);
        if (!network.Settings.PredictsNextToken || network.Classes != characters.Count)
        {
            throw new ArgumentException(
                $"A sampler needs a network that predicts the next of {characters.Count} characters at each position.", nameof(network));
        }

        _vocabulary = new Vocabulary(characters);
        using (WorkerTeam team = new(1))
        {
            network.Pack(team);
        }

        _predictor = new Predictor(network);
        _window = new float[network.Input.Positions];
        _probabilities = new float[network.HeadRows * network.Classes];
    }

    /// <summary>Writes a text, character by character. The same arguments give the same text, on any number of threads.</summary>
    /// <remarks>A prediction reads as many of the last characters as the network has positions.</remarks>
    /// <param name="prompt">The beginning of the text, which is not returned; at least one character.</param>
    /// <param name="length">Number of characters to write.</param>
    /// <param name="temperature">
    /// Divides the logits: 1 for the probabilities of the network, less for likelier characters, 0 for the likeliest one each time.
    /// </param>
    /// <param name="seed">Seed of the draws.</param>
    /// <exception cref="ArgumentException">The prompt is empty, or a number is out of range.</exception>
    /// <exception cref="DataException">The network does not know a character of the prompt.</exception>
    public IEnumerable<string> Sample(string prompt, int length, double temperature = 1, ulong seed = 1)
    {
        ArgumentException.ThrowIfNullOrEmpty(prompt);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (!(double.IsFinite(temperature) && temperature >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "A temperature is a number from 0.");
        }

        ushort[] tokens = _vocabulary.Encode(prompt);
        return Write([.. tokens.Select(token => (float)token)], length, (float)temperature, seed);
    }

    private IEnumerable<string> Write(List<float> text, int length, float temperature, ulong seed)
    {
        CounterSequence draws = new(new RandomStream(seed, RandomPurpose.Sampling));
        for (int i = 0; i < length; i++)
        {
            int token = Draw(Next(text), temperature, draws);
            text.Add(token);
            yield return _vocabulary.Characters[token];
        }
    }

    // Behind a short text, the window is filled up. No position reads what is behind it.
    private Span<float> Next(List<float> text)
    {
        int read = Math.Min(text.Count, _window.Length), characters = _vocabulary.Characters.Count;
        Array.Clear(_window);
        text.CopyTo(text.Count - read, _window, 0, read);
        _predictor.Predict(_window, _probabilities);
        return _probabilities.AsSpan((read - 1) * characters, characters);
    }

    private static int Draw(Span<float> probabilities, float temperature, CounterSequence draws)
    {
        if (temperature == 0)
        {
            return TensorPrimitives.IndexOfMax<float>(probabilities);
        }

        if (temperature != 1)
        {
            Pointwise.Log<float>(probabilities, probabilities);
            TensorPrimitives.Divide(probabilities, temperature, probabilities);
            Softmax.Apply(probabilities, probabilities);
        }

        // The last character that has a probability, should rounding leave a rest.
        float rest = draws.NextSingle() * Reduction.Sum(probabilities);
        int chosen = 0;
        for (int token = 0; token < probabilities.Length && rest >= 0; token++)
        {
            if (probabilities[token] > 0)
            {
                (chosen, rest) = (token, rest - probabilities[token]);
            }
        }

        return chosen;
    }
}
