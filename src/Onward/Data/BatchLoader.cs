using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using Onward.Communication;
using Onward.Data.Augmentation;
using Onward.Kernels;
using Onward.Threads;

namespace Onward.Data;

/// <summary>Provides labelled images in batches, standardised and assembled by background threads.</summary>
/// <remarks>
/// The order of an epoch depends only on the seed and the epoch. So a resumed run gets the same batches, with any number of
/// threads. One enumeration may run at a time. A batch is valid until the next one is requested. A damaged image is replaced by
/// the next intact image of the set.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private const int Buffers = 3;

    // Limits of an evaluation batch: number of images, and number of values (1 MB).
    private const int EvaluationImages = 512;
    private const int EvaluationValues = 1 << 18;

    private readonly ImageSet _images;
    private readonly float[] _scale; // [row, column, channel]
    private readonly float[] _shift; // [row, column, channel]
    private readonly float[] _unitScale; // [row, column, channel], for intensities in [0, 1]
    private readonly int _views; // views of each image in training; 0 if images are not augmented
    private readonly int _batchSize;
    private readonly BatchShare _share;
    private readonly ulong _seed;
    private readonly Workbench[] _workbenches; // [thread]
    private readonly WorkerTeam _team;
    private readonly Action<int, int> _assembleImage;
    private readonly Prefetcher<ImageBatch> _prefetcher;

    // The batch that the team is assembling.
    private ImageBatch _batch = null!;
    private int[] _order = [];
    private int _start;
    private int _epoch;
    private bool _augmented;
    private int _windowShift; // of a text, in tokens

    /// <summary>Starts the background threads, which wait until batches are requested.</summary>
    /// <param name="images">The images.</param>
    /// <param name="mean">Mean of each channel, with pixels scaled to [0, 1]. [channel]</param>
    /// <param name="standardDeviation">Standard deviation of each channel, with pixels scaled to [0, 1]; above 0. [channel]</param>
    /// <param name="batchSize">Images per batch, 1 to the number of images.</param>
    /// <param name="seed">Seed of the order of training images and of the views.</param>
    /// <param name="views">Recipe of each view of an image in training, at least one; null for one view without augmentation.
    /// Evaluation uses every image once, without augmentation. An image of another size than the model's input is then cropped at
    /// its centre.</param>
    /// <param name="threads">Background threads that read images and make views, at least 1. One is used if the images lie in
    /// memory and are not augmented.</param>
    /// <param name="share">The share of every batch that this process gets; null for the whole batch.</param>
    /// <exception cref="ArgumentException">The batch size, the number of threads, a statistic or a recipe does not fit the
    /// images.</exception>
    public BatchLoader(
        ImageSet images,
        ReadOnlySpan<float> mean,
        ReadOnlySpan<float> standardDeviation,
        int batchSize,
        ulong seed,
        IReadOnlyList<ViewRecipe>? views = null,
        int threads = 1,
        BatchShare? share = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (batchSize < 1 || batchSize > images.Count)
        {
            throw new ArgumentException(
                $"A batch must hold 1 to {images.Count} examples, as many as there are images; got {batchSize}.", nameof(batchSize));
        }

        views ??= [ViewRecipe.None];
        if (views.Count == 0)
        {
            throw new ArgumentException("An image needs at least one view; got an empty list of recipes.", nameof(views));
        }

        if ((long)batchSize * views.Count * images.ImageLength > Array.MaxLength)
        {
            throw new ArgumentException(
                $"A batch must fit one array of {Array.MaxLength} values; "
                + $"{batchSize} images of {images.ImageLength} values in {views.Count} views each do not.",
                nameof(batchSize));
        }

        RequireStatistics(images.Channels, mean, standardDeviation);
        _images = images;
        _scale = new float[images.ImageLength];
        _shift = new float[images.ImageLength];
        _unitScale = new float[images.ImageLength];
        for (int i = 0; i < images.ImageLength; i++)
        {
            int channel = i % images.Channels;
            _scale[i] = (float)(1 / (255.0 * standardDeviation[channel]));
            _unitScale[i] = 1 / standardDeviation[channel];
            _shift[i] = -mean[channel] / standardDeviation[channel];
        }

        bool plain = views is [var only] && only == ViewRecipe.None;
        (_batchSize, _seed, _views) = (batchSize, seed, plain ? 0 : views.Count);
        _share = share ?? BatchShare.Whole;
        _workbenches = new Workbench[plain && images.NeedsNoDecoding ? 1 : threads];
        for (int thread = 0; thread < _workbenches.Length; thread++)
        {
            _workbenches[thread] = new Workbench(new RawImage(), Maker(ViewRecipe.None), plain ? [] : [.. views.Select(Maker)]);
        }

        ImageBatch[] slots = new ImageBatch[Buffers];
        for (int slot = 0; slot < Buffers; slot++)
        {
            slots[slot] = new ImageBatch(_share.Of(batchSize).Images * views.Count, images.ImageLength, images.LabelsPerExample);
        }

        _team = new WorkerTeam(_workbenches.Length);
        _assembleImage = AssembleImage;
        _prefetcher = new Prefetcher<ImageBatch>(slots);

        ViewMaker Maker(ViewRecipe recipe) => new(recipe, seed, images.Height, images.Width, images.Channels, images.Antialias);
    }

    /// <summary>Makes a loader for evaluation, whose batches take at most about 1 MB each.</summary>
    /// <param name="images">The images, provided in order.</param>
    /// <param name="mean">Mean of each channel, with pixels scaled to [0, 1]. [channel]</param>
    /// <param name="standardDeviation">Standard deviation of each channel, with pixels scaled to [0, 1]; above 0. [channel]</param>
    /// <param name="threads">Background threads that read images, at least 1.</param>
    /// <param name="share">The share of every batch that this process gets; null for the whole batch.</param>
    /// <exception cref="ArgumentException">The number of threads or a statistic does not fit the images.</exception>
    public static BatchLoader ForEvaluation(
        ImageSet images, ReadOnlySpan<float> mean, ReadOnlySpan<float> standardDeviation, int threads = 1, BatchShare? share = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        int batch = Math.Clamp(EvaluationValues / images.ImageLength, 1, Math.Min(EvaluationImages, images.Count));
        return new BatchLoader(images, mean, standardDeviation, batch, seed: 0, threads: threads, share: share);
    }

    /// <summary>Number of batches in an epoch of training. An incomplete last batch is left out, as in the paper's code.</summary>
    public int StepsPerEpoch => _images.Count / _batchSize;

    /// <summary>The order of an epoch: a permutation of the examples that depends only on the seed and the epoch. [example]</summary>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epoch"/> is below 0.</exception>
    public int[] Order(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return Order(_images.Count, _seed, epoch);
    }

    internal static int[] Order(int count, ulong seed, int epoch)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new CounterSequence(new RandomStream(seed, RandomPurpose.Shuffle, Step: (uint)epoch)).Shuffle(order.AsSpan());
        return order;
    }

    /// <summary>Provides one epoch in shuffled order. Examples that do not fill a batch are left out.</summary>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    /// <param name="firstStep">First step to provide, 0 to <see cref="StepsPerEpoch"/>. A resumed run starts in the middle of an
    /// epoch.</param>
    /// <param name="cancellation">Cancels the wait for a batch.</param>
    /// <exception cref="ArgumentOutOfRangeException">The epoch or the step is out of range.</exception>
    public IEnumerable<ImageBatch> Epoch(int epoch, int firstStep = 0, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstStep, StepsPerEpoch);
        int[] order = Order(epoch);
        int shift = _images.IsText
            ? new CounterSequence(new RandomStream(_seed, RandomPurpose.Shuffle, Step: (uint)epoch, Layer: 1)).NextInt32(_images.Height)
            : 0;
        return _prefetcher.Run(firstStep, StepsPerEpoch, (batch, step) => Assemble(batch, order, step, epoch, _views, shift), cancellation);
    }

    /// <summary>Provides every example once, in the order of the set, for evaluation. The last batch may be smaller.</summary>
    /// <param name="cancellation">Cancels the wait for a batch.</param>
    public IEnumerable<ImageBatch> InOrder(CancellationToken cancellation = default)
    {
        int[] order = [.. Enumerable.Range(0, _images.Count)];
        int steps = (_images.Count + _batchSize - 1) / _batchSize;
        return _prefetcher.Run(0, steps, (batch, step) => Assemble(batch, order, step, epoch: 0, views: 0, shift: 0), cancellation);
    }

    /// <summary>Stops the background threads. An enumeration in progress ends with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        _prefetcher.Dispose();
        _team.Dispose();
    }

    private void Assemble(ImageBatch batch, int[] order, int step, int epoch, int views, int shift)
    {
        int start = step * _batchSize;
        (batch.ImagesOfAll, batch.Views) = (Math.Min(_batchSize, order.Length - start), Math.Max(1, views));
        (batch.FirstImage, batch.Images) = _share.Of(batch.ImagesOfAll);
        (_batch, _order, _start, _epoch, _augmented, _windowShift) = (batch, order, start + batch.FirstImage, epoch, views > 0, shift);
        _team.Run(batch.Images, _assembleImage);
    }

    // The view's random draws depend on the requested example, even if another image replaces it because it is damaged.
    private void AssembleImage(int i, int thread)
    {
        (RawImage image, ViewMaker plain, ViewMaker[] views) = _workbenches[thread];
        int example = _order[_start + i], labels = _images.LabelsPerExample;
        Span<float> tokens = _batch.Pixels.AsSpan(i * _images.ImageLength, _images.ImageLength);
        if (_images.TryReadTokens(example, _windowShift, tokens, _batch.Labels.AsSpan(i * labels, labels)))
        {
            return;
        }

        int label = _images.Labels.Span[_images.Read(example, image)];
        for (int view = 0; view < _batch.Views; view++)
        {
            int at = (view * _batch.Images) + i;
            _batch.Labels[at] = label;
            Span<float> destination = _batch.Pixels.AsSpan(at * _images.ImageLength, _images.ImageLength);
            if (!_augmented && (image.Height, image.Width) == (_images.Height, _images.Width))
            {
                Standardise(image.Pixels, destination);
            }
            else
            {
                (_augmented ? views[view] : plain).Make(image.Pixels, image.Height, image.Width, _epoch, example, view, destination);
                TensorPrimitives.MultiplyAdd(destination, _unitScale, _shift, destination);
            }
        }
    }

    private void Standardise(ReadOnlySpan<byte> source, Span<float> destination)
    {
        int i = 0;
        for (; i <= source.Length - Vector256<byte>.Count; i += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) = Vector256.Widen(Vector256.Create(source[i..]));
            (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(low);
            (Vector256<uint> third, Vector256<uint> fourth) = Vector256.Widen(high);
            StandardiseEight(first, i, destination);
            StandardiseEight(second, i + 8, destination);
            StandardiseEight(third, i + 16, destination);
            StandardiseEight(fourth, i + 24, destination);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = (source[i] * _scale[i]) + _shift[i];
        }
    }

    private void StandardiseEight(Vector256<uint> values, int start, Span<float> destination)
    {
        Vector256<float> scale = Vector256.Create(_scale, start);
        Vector256<float> shift = Vector256.Create(_shift, start);
        ((Vector256.ConvertToSingle(values.AsInt32()) * scale) + shift).CopyTo(destination[start..]);
    }

    private static void RequireStatistics(int channels, ReadOnlySpan<float> mean, ReadOnlySpan<float> standardDeviation)
    {
        if (mean.Length != channels || standardDeviation.Length != channels)
        {
            throw new ArgumentException(
                $"Images of {channels} channels need as many means and standard deviations; "
                + $"got {mean.Length} and {standardDeviation.Length}.");
        }

        for (int channel = 0; channel < channels; channel++)
        {
            float deviation = standardDeviation[channel];
            if (!float.IsFinite(mean[channel]) || !float.IsFinite(deviation) || deviation <= 0)
            {
                throw new ArgumentException(
                    $"Channel {channel} needs a finite mean and a standard deviation above 0; got {mean[channel]} and {deviation}.");
            }
        }
    }

    // The buffers and view makers of one thread.
    private sealed record Workbench(RawImage Image, ViewMaker Plain, ViewMaker[] Views);
}
